# The larger teacher: BiSeNet-R50 by self-training, as long as the student.
_base_ = [
    '../carla2camvid/bisenet_self-training_carla2camvid.py',
    '../_base_/models/bisenet_r50.py',
]
model = dict(
    _base_.bisenet_r50,
    auxiliary_head=[
        dict(head, in_channels=channels, channels=channels)
        for head, channels in zip(
            _base_.model.auxiliary_head, _base_.context_channels
        )
    ],
)
