# All pseudo-labels, weighted by image, as in DACS.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
default_hooks = dict(
    adaptation=dict(terms=dict(class_mix=dict(pseudo_labels='image')))
)
