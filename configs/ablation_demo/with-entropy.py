# And entropy of the target's predictions minimised.
_base_ = ['../demo/bisenet_adapted.py', '../_base_/adaptation/entropy.py']
default_hooks = dict(adaptation=dict(terms=dict(entropy=_base_.entropy)))
