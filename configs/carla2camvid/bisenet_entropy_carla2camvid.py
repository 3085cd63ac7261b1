# Entropy minimisation on the target (ADVENT).
_base_ = './bisenet_control_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(terms=dict(entropy=dict(loss_weight=1e-3)))
)
