# Table 2, colour jitter.
_base_ = './bisenet_none_gta2cs.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            dict(type='mmseg_da.ColorJitter'),
            dict(type='PackSegInputs'),
        ]
    )
)
