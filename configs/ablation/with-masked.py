# And masked target images.
_base_ = '../carla2camvid/bisenet_self-training_carla2camvid.py'
masked = dict(
    type='mmseg_da.MaskedConsistencyTerm',
    pseudo_labels='pixel',
    threshold=0.8,
    block_size=16,
    loss_weight=0.3,
)
default_hooks = dict(adaptation=dict(terms=dict(masked=masked)))
