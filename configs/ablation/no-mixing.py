# The colours of the target alone.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(adaptation=dict(terms=dict(class_mix=None)))
