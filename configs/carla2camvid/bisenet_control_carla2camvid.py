# The control: the target passes through the segmentor, so it reaches
# BatchNorm's statistics, and teaches it nothing else.
_base_ = [
    './bisenet_source-only_carla2camvid.py',
    '../_base_/adaptation/entropy.py',
]
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=_base_.camvid_target_loader,
        terms=dict(entropy=dict(_base_.entropy, loss_weight=0.0)),
    )
)
