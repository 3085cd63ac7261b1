# The teacher has the segmentor's BatchNorm statistics.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(adaptation=dict(teacher=dict(batch_norm='running')))
