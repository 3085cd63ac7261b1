# Augmentation at the size of a laptop: crops of 128x96 from images of 160x120
# at scales 0.8 to 1.5, flipped at random; source images in other colours too.
scale_crop_flip = [
    dict(
        type='RandomResize',
        scale=(160, 120),
        ratio_range=(0.8, 1.5),
        keep_ratio=True,
        interpolation='area',
    ),
    dict(type='RandomCrop', crop_size=(96, 128)),
    dict(type='RandomFlip', prob=0.5),
]
labelled_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.LoadTrainIds'),
    *scale_crop_flip,
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
unlabelled_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    *scale_crop_flip,
    dict(type='PackSegInputs'),
]
evaluation_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.ResizeToScale'),
    # After the resize, so that labels keep their own size.
    dict(type='mmseg_da.LoadTrainIds'),
    dict(type='PackSegInputs'),
]
# The same with equalised local contrast, last of all that changes an image.
clahe = dict(type='CLAHE')
clahe_labelled_pipeline = [
    *labelled_pipeline[:-1],
    clahe,
    dict(type='PackSegInputs'),
]
clahe_unlabelled_pipeline = [
    *unlabelled_pipeline[:-1],
    clahe,
    dict(type='PackSegInputs'),
]
clahe_evaluation_pipeline = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.ResizeToScale'),
    clahe,
    dict(type='mmseg_da.LoadTrainIds'),
    dict(type='PackSegInputs'),
]
