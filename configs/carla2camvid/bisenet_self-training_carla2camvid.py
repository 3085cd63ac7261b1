# Self-training: pasted on target images, sure pseudo-labels, the target's
# colours.
_base_ = [
    './bisenet_recipe_carla2camvid.py',
    '../_base_/adaptation/self_training.py',
]
default_hooks = dict(
    adaptation=dict(teacher=_base_.teacher, terms=_base_.self_training)
)
