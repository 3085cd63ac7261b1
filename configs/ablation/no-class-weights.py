# Without class weights.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
model = dict(
    decode_head=dict(loss_decode=dict(class_weight=None)),
    auxiliary_head=[
        dict(head, loss_decode=dict(head['loss_decode'], class_weight=None))
        for head in _base_.model.auxiliary_head
    ],
)
