# The teacher has running statistics of the target.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(adaptation=dict(teacher=dict(batch_norm='target')))
