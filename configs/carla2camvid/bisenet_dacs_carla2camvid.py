# DACS: pseudo-labels everywhere, weighted by the share of sure pixels.
_base_ = [
    './bisenet_recipe_carla2camvid.py',
    '../_base_/adaptation/dacs.py',
]
default_hooks = dict(
    adaptation=dict(
        teacher=_base_.teacher,
        terms=dict(class_mix=_base_.class_mix),
    )
)
