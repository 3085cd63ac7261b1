# The control: all of the adaptation, but for its loss. What remains is
# BatchNorm.
_base_ = './bisenet_adapted.py'
default_hooks = dict(adaptation=dict(terms=dict(masked=dict(loss_weight=0.0))))
