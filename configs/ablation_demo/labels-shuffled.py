# A control that must fall: each target image has the pseudo-labels of another
# one of the batch.
_base_ = '../demo/bisenet_adapted.py'
default_hooks = dict(
    adaptation=dict(teacher=dict(type='mmseg_da.ShuffledTeacher'))
)
