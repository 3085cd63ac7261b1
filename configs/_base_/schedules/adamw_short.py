# A short training from scratch: AdamW with warm-up and poly decay. The last
# iterate counts: no checkpoint is chosen by labels.
_base_ = './iteration_hooks.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=20),
    dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False, begin=20),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(interval=100, max_keep_ckpts=1),
    divergence=dict(window=100),
)
