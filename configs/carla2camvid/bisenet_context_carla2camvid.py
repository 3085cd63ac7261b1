# Source classes pasted on target images, which are context alone: only the
# source's pixels have labels.
_base_ = './bisenet_weighted_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=dict(
            dataset=dict(
                pipeline=_base_.unlabelled_pipeline,
                **_base_.camvid_target_dataset,
            )
        ),
        terms=dict(
            class_mix=dict(type='mmseg_da.ClassMixTerm', pseudo_labels='none')
        ),
    )
)
