# Table 4: adaptation with the Dice loss.
_base_ = '../_base_/table4.py'
loss = dict(type='mmseg_da.DiceLoss')
model = dict(
    decode_head=dict(loss_decode=dict(_delete_=True, **loss)),
    auxiliary_head=[
        dict(head, loss_decode=loss) for head in _base_.model.auxiliary_head
    ],
)
