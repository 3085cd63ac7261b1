# Self-training of carla2camvid.
_base_ = [
    './bisenet_recipe.py',
    '../_base_/adaptation/self_training.py',
]
default_hooks = dict(
    adaptation=dict(teacher=_base_.teacher, terms=_base_.self_training)
)
