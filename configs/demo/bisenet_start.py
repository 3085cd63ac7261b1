# The start of all rows but the oracle: BiSeNet-R18 from scratch on the
# rendered game, with class weights.
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/demo.py',
    '../_base_/schedules/adamw_short.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(context_path=dict(init_cfg=None)),
    decode_head=dict(loss_decode=dict(class_weight=_base_.demo_class_weight)),
    auxiliary_head=[
        dict(
            head,
            loss_decode=dict(
                head['loss_decode'], class_weight=_base_.demo_class_weight
            ),
        )
        for head in _base_.model.auxiliary_head
    ],
)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='mmseg_da.InfiniteSampler'),
    dataset=_base_.demo_source_dataset,
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=_base_.demo_val_dataset,
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmseg_da.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
# Four times the rate of the base: 700 iterations from scratch are few.
optim_wrapper = dict(
    type='mmseg_da.BFloat16OptimWrapper',
    optimizer=dict(lr=4e-3, fused=True),
)
# One decay over the start and a row, as long as the oracle's.
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=700),
]
default_hooks = dict(
    channels_last=dict(type='mmseg_da.ChannelsLastHook'),
    pictures=dict(interval=150),
)
train_cfg = dict(max_iters=400, val_interval=400)
