# A short training from scratch: AdamW with warm-up and poly decay. The last
# iterate counts: no checkpoint is chosen by labels.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=20),
    dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False, begin=20),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200, val_interval=200)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmseg_da.CheckpointHook',
        by_epoch=False,
        interval=100,
        max_keep_ckpts=1,
    ),
    divergence=dict(type='mmseg_da.DivergenceHook', window=100),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
    pictures=dict(type='mmseg_da.AdaptationVisualizationHook'),
)
