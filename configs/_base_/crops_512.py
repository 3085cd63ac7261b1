# Crops of 512x512 from GTA5 and from the target, at random scales and flipped;
# source images in other colours too.
labelled_crops = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.LoadTrainIds'),
    dict(
        type='RandomResize',
        scale=(1280, 720),
        # At 0.75 images are 540 high.
        ratio_range=(0.75, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=(512, 512), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
unlabelled_crops = [
    dict(type='mmseg_da.LoadImage'),
    dict(
        type='RandomResize',
        scale=(1024, 512),
        ratio_range=(1.0, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=(512, 512)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
