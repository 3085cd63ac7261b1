# SGD with the poly decay of the paper: lr0 * (1 - i/T)^0.9, T = max_iters.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False)]
# 50 epochs of 2,500 images in batches of 16; best checkpoint by mIoU.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=7813, val_interval=625)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmseg_da.CheckpointHook',
        by_epoch=False,
        interval=625,
        max_keep_ckpts=2,
        save_best='mIoU',
    ),
    divergence=dict(type='mmseg_da.DivergenceHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
    pictures=dict(type='mmseg_da.AdaptationVisualizationHook'),
)
