# What every training counted in iterations does beside learning.
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='mmseg_da.CheckpointHook', by_epoch=False),
    divergence=dict(type='mmseg_da.DivergenceHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
    pictures=dict(type='mmseg_da.AdaptationVisualizationHook'),
)
