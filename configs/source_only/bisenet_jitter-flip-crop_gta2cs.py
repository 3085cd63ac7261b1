# Table 2, colour jitter, horizontal flip and random resized crop.
_base_ = './bisenet_none_gta2cs.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            dict(type='mmseg_da.ColorJitter'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='mmseg_da.RandomResizedCrop'),
            dict(type='PackSegInputs'),
        ]
    )
)
