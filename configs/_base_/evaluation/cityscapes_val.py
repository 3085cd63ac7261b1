# Cityscapes val at 1024x512, scored on the full-resolution labels.
val_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.ResizeToScale'),
    # After the resize, so that labels keep their own size.
    dict(type='mmseg_da.LoadTrainIds'),
    dict(type='PackSegInputs'),
]
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmseg_da.CityscapesDataset',
        data_root='data/cityscapes',
        data_prefix=dict(
            img_path='leftImg8bit/val', seg_map_path='gtFine/val'
        ),
        img_scale=(1024, 512),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmseg_da.IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
