# Source classes pasted on target images, which are context alone: only the
# source's pixels have labels.
_base_ = './bisenet_weighted_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=_base_.camvid_target_loader,
        terms=dict(
            class_mix=dict(type='mmseg_da.ClassMixTerm', pseudo_labels='none')
        ),
    )
)
