# The start of all rows: BiSeNet-R18 from scratch on CARLA, 300 iterations.
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/sources/carla.py',
    '../_base_/targets/camvid.py',
    '../_base_/augmentation.py',
    '../_base_/schedules/adamw_short.py',
    '../_base_/default_runtime.py',
]
model = dict(backbone=dict(context_path=dict(init_cfg=None)))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='mmseg_da.InfiniteSampler'),
    dataset=dict(pipeline=_base_.labelled_pipeline, **_base_.carla_dataset),
)
# For the rows that adapt.
camvid_target_loader = dict(
    dataset=dict(
        pipeline=_base_.unlabelled_pipeline, **_base_.camvid_target_dataset
    )
)
# CamVid val is for development; CamVid test is scored once, at the end.
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        _base_.camvid_val_dataset,
        img_scale=(160, 120),
        pipeline=_base_.evaluation_pipeline,
    ),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(
        _base_.camvid_test_dataset,
        img_scale=(160, 120),
        pipeline=_base_.evaluation_pipeline,
    ),
)
# The mean over the classes that both have.
val_evaluator = dict(
    type='mmseg_da.IoUMetric',
    iou_metrics=['mIoU'],
    class_means=dict(
        mIoU10=[
            *('road', 'sidewalk', 'building', 'fence', 'pole'),
            *('traffic sign', 'vegetation', 'sky', 'person', 'car'),
        ]
    ),
)
test_evaluator = val_evaluator
train_cfg = dict(max_iters=300, val_interval=300)
