# Cityscapes train at 1024x512, straight from the official labelIds; 2,072 of
# its 2,975 images as in the paper, which took them by cities it does not name.
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='mmseg_da.InfiniteSampler'),
    dataset=dict(
        type='mmseg_da.CityscapesDataset',
        data_root='data/cityscapes',
        data_prefix=dict(
            img_path='leftImg8bit/train', seg_map_path='gtFine/train'
        ),
        img_scale=(1024, 512),
        max_samples=2072,
        pipeline=[
            dict(type='mmseg_da.LoadImage'),
            dict(type='mmseg_da.LoadTrainIds'),
            dict(type='mmseg_da.ResizeToScale'),
            dict(type='PackSegInputs'),
        ],
    ),
)
