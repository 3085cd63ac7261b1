# With the statistics of training, which saw masked images too.
_base_ = '../demo/bisenet_adapted.py'
default_hooks = dict(adapt_bn=None)
