# A control that must fall: each target image has the pseudo-labels of another
# one of the batch.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(teacher=dict(type='mmseg_da.ShuffledTeacher'))
)
