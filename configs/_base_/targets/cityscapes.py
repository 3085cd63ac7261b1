# Unlabelled Cityscapes train images at 1024x512.
cityscapes_target_dataset = dict(
    type='mmseg_da.CityscapesDataset',
    data_root='data/cityscapes',
    # Images only: no label file of the target is ever opened.
    data_prefix=dict(img_path='leftImg8bit/train'),
    img_scale=(1024, 512),
    # As many as the paper's; which ones it does not say.
    max_samples=2072,
    pipeline=[
        dict(type='mmseg_da.LoadImage'),
        dict(type='mmseg_da.ResizeToScale'),
        dict(type='PackSegInputs'),
    ],
)
