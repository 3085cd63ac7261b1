# And the entropy term.
_base_ = [
    '../carla2camvid/bisenet_self-training_carla2camvid.py',
    '../_base_/adaptation/entropy.py',
]
default_hooks = dict(adaptation=dict(terms=dict(entropy=_base_.entropy)))
