# Masked target images with the labels of an EMA teacher.
_base_ = [
    './bisenet_recipe_carla2camvid.py',
    '../_base_/adaptation/masked.py',
]
default_hooks = dict(
    adaptation=dict(
        teacher=_base_.teacher,
        terms=dict(class_mix=None, masked=dict(_base_.masked, block_size=16)),
    )
)
