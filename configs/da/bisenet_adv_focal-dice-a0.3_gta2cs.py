# Table 4: alpha * weighted Dice + (1 - alpha) * focal, alpha = 0.3.
_base_ = '../_base_/table4.py'
loss = [
    dict(
        type='mmseg_da.DiceLoss',
        class_weight='data/gta5/class_statistics.json',
        loss_weight=0.3,
    ),
    dict(type='mmseg_da.FocalLoss', gamma=1.0, loss_weight=0.7),
]
model = dict(
    decode_head=dict(loss_decode=loss),
    auxiliary_head=[
        dict(head, loss_decode=loss) for head in _base_.model.auxiliary_head
    ],
)
