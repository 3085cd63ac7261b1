# The control: the target passes through the segmentor (so it reaches its
# BatchNorm statistics) and teaches it nothing else.
_base_ = './bisenet_adv.py'
default_hooks = dict(adversarial=dict(loss_weight=0.0))
