# The recipe: class weights, and source classes pasted on target images, which
# are context alone: only the source's pixels have labels.
_base_ = [
    './bisenet_weighted_carla2camvid.py',
    '../_base_/adaptation/recipe.py',
]
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=_base_.camvid_target_loader,
        terms=_base_.recipe,
    )
)
