# Cityscapes to ACDC (fog, night, rain and snow): Table 3's method with another
# source and another target. Not run.
_base_ = [
    '../cityscapes/bisenet_ce_cityscapes.py',
    '../_base_/targets/acdc.py',
    '../_base_/adaptation/adversarial.py',
]
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        pipeline=[
            dict(type='mmseg_da.LoadImage'),
            dict(type='mmseg_da.LoadTrainIds'),
            dict(type='mmseg_da.ResizeToScale'),
            dict(type='mmseg_da.ColorJitter'),
            dict(type='PackSegInputs'),
        ]
    ),
)
# 50 epochs of 2,072 images in batches of 8.
train_cfg = dict(max_iters=12950)
default_hooks = dict(
    adversarial=dict(
        type='mmseg_da.AdversarialHook',
        target_dataloader=dict(
            pin_memory=True, dataset=_base_.acdc_target_dataset
        ),
        **_base_.adversarial,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        pipeline=_base_.val_pipeline,
        **_base_.acdc_val_dataset,
    )
)
test_dataloader = val_dataloader
