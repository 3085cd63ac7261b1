# Mixed images as they are.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(terms=dict(class_mix=dict(color_jitter=0.0, blur=False)))
)
