# ADVENT's entropy minimisation with the images and the schedule of Table 3.
# Not run.
_base_ = [
    '../source_only/bisenet_jitter_gta2cs.py',
    '../_base_/targets/cityscapes.py',
    '../_base_/adaptation/entropy.py',
]
train_dataloader = dict(batch_size=8)
# 50 epochs of 2,500 images in batches of 8.
train_cfg = dict(max_iters=15625)
default_hooks = dict(
    adaptation=dict(
        type='mmseg_da.AdaptationHook',
        target_dataloader=dict(
            pin_memory=True, dataset=_base_.cityscapes_target_dataset
        ),
        terms=dict(entropy=_base_.entropy),
    )
)
