# Source classes pasted on source images: no target but for its colours.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(terms=dict(class_mix=dict(onto='source')))
)
