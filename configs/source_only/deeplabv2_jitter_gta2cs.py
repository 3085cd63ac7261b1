# DeepLabV2-R101 with colour jitter on GTA5: what deeplabv2_adv starts from.
_base_ = [
    '../_base_/models/deeplabv2_r101.py',
    '../_base_/sources/gta5.py',
    '../_base_/evaluation/cityscapes_val.py',
    '../_base_/schedules/deeplabv2_sgd.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            dict(type='mmseg_da.ColorJitter'),
            dict(type='PackSegInputs'),
        ]
    )
)
