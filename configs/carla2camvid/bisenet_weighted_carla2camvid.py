# Class weights alone: without adaptation, with the loss of the mixing rows.
_base_ = './bisenet_source-only_carla2camvid.py'
model = dict(
    decode_head=dict(loss_decode=dict(class_weight=_base_.carla_class_weight)),
    auxiliary_head=[
        dict(
            head,
            loss_decode=dict(
                head['loss_decode'], class_weight=_base_.carla_class_weight
            ),
        )
        for head in _base_.model.auxiliary_head
    ],
)
