# The preliminary comparison before Table 2: random resized crop, 10 epochs.
_base_ = './bisenet_none_gta2cs.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            dict(type='mmseg_da.RandomResizedCrop'),
            dict(type='PackSegInputs'),
        ]
    )
)
# 10 epochs of 2,500 images in batches of 16.
train_cfg = dict(max_iters=1563)
