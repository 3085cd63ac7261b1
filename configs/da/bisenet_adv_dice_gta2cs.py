# Table 4: adaptation with the Dice loss.
_base_ = './bisenet_adv_gta2cs.py'
loss = dict(type='mmseg_da.DiceLoss')
model = dict(
    decode_head=dict(loss_decode=dict(_delete_=True, **loss)),
    auxiliary_head=[
        dict(head, loss_decode=loss) for head in _base_.model.auxiliary_head
    ],
)
train_dataloader = dict(batch_size=4)
# 50 epochs of 2,500 images in batches of 4.
train_cfg = dict(max_iters=31250)
