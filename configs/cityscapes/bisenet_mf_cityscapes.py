# Table 1: BiSeNet-R18, cross-entropy weighted by median frequency.
_base_ = './bisenet_ce_cityscapes.py'
loss = dict(
    type='mmseg_da.CrossEntropyLoss',
    class_weight='data/cityscapes/class_statistics.json',
)
model = dict(
    decode_head=dict(loss_decode=dict(_delete_=True, **loss)),
    auxiliary_head=[
        dict(head, loss_decode=loss) for head in _base_.model.auxiliary_head
    ],
)
