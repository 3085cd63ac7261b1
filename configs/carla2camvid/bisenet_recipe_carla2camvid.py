# The recipe: pasted on target images, sure pseudo-labels, the target's
# colours.
_base_ = [
    './bisenet_context_carla2camvid.py',
    '../_base_/adaptation/recipe.py',
]
default_hooks = dict(
    adaptation=dict(teacher=_base_.teacher, terms=_base_.recipe)
)
