# The demo: rendered streets of a game, with labels, and of a dash camera.
# Source crops are 256x128, from images at 1.0 to 1.6 of that size; target
# images are whole, so that BatchNorm sees what it will see in use.
demo_crops = [
    dict(
        type='RandomResize',
        scale=(256, 141),
        ratio_range=(1.0, 1.6),
        keep_ratio=True,
        interpolation='area',
    ),
    dict(type='RandomCrop', crop_size=(128, 256)),
    dict(type='RandomFlip', prob=0.5),
]
demo_labelled_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.LoadTrainIds'),
    *demo_crops,
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
demo_source_dataset = dict(
    type='mmseg_da.GTA5Dataset',
    data_root='data/demo/gta5',
    img_scale=(480, 264),
    pipeline=demo_labelled_pipeline,
)
# Images alone: no label of them is rendered.
demo_target_dataset = dict(
    type='mmseg_da.CityscapesDataset',
    data_root='data/demo/cityscapes',
    data_prefix=dict(img_path='leftImg8bit/train'),
    img_scale=(256, 128),
    pipeline=[
        dict(type='mmseg_da.LoadImage'),
        dict(type='mmseg_da.ResizeToScale'),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs'),
    ],
)
# Other streets of the same camera, for the oracle.
demo_labelled_dataset = dict(
    type='mmseg_da.CityscapesDataset',
    data_root='data/demo/cityscapes',
    data_prefix=dict(
        img_path='leftImg8bit/train_labelled',
        seg_map_path='gtFine/train_labelled',
    ),
    img_scale=(512, 256),
    pipeline=demo_labelled_pipeline,
)
demo_val_dataset = dict(
    type='mmseg_da.CityscapesDataset',
    data_root='data/demo/cityscapes',
    data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    img_scale=(256, 128),
    pipeline=[
        dict(type='mmseg_da.LoadImage'),
        dict(type='mmseg_da.ResizeToScale'),
        # After the resize, so that labels keep their own size.
        dict(type='mmseg_da.LoadTrainIds'),
        dict(type='PackSegInputs'),
    ],
)
# Square roots of the median-frequency weights within 0.3 and 4, from
#   tools/analysis/class_statistics.py configs/demo/bisenet_start.py
demo_class_weight = [
    *(0.3, 0.41, 0.3, 1.16, 1.57),  # road to fence
    *(0.98, 2.47, 2.01, 0.3, 1.25),  # pole to terrain
    *(0.38, 1.16, 1.95, 0.54),  # sky, person, rider, car
    *(0.74, 1.0, 0.88, 2.1, 1.68),  # truck to bicycle
]
