# Table 4: the focal loss weighted by median frequency.
_base_ = '../_base_/table4.py'
loss = dict(
    type='mmseg_da.FocalLoss',
    gamma=1.0,
    class_weight='data/gta5/class_statistics.json',
)
model = dict(
    decode_head=dict(loss_decode=dict(_delete_=True, **loss)),
    auxiliary_head=[
        dict(head, loss_decode=loss) for head in _base_.model.auxiliary_head
    ],
)
