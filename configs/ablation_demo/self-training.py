# Self-training of CARLA to CamVid in place of masked images.
_base_ = [
    '../demo/bisenet_source-only.py',
    '../_base_/adaptation/self_training.py',
]
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=dict(dataset=_base_.demo_target_dataset),
        teacher=_base_.teacher,
        terms=_base_.self_training,
    ),
    adapt_bn=dict(type='mmseg_da.AdaptBNHook'),
)
