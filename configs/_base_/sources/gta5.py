# GTA5 at 1280x720, 2,500 of its 24,966 images as in the paper.
load = [
    dict(type='mmseg_da.LoadImage'),
    dict(type='mmseg_da.LoadTrainIds'),
    dict(type='mmseg_da.ResizeToScale'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='mmseg_da.InfiniteSampler'),
    dataset=dict(
        type='mmseg_da.GTA5Dataset',
        data_root='data/gta5',
        img_scale=(1280, 720),
        max_samples=2500,
        pipeline=[*load, dict(type='PackSegInputs')],
    ),
)
