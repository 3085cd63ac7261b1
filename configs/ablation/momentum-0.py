# The segmentor is its own teacher.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(adaptation=dict(teacher=dict(momentum=0.0)))
