# ACDC: fog, night, rain and snow in one (rgb_anon/ and gt/). For some of
# them add conditions=['night'].
acdc_target_dataset = dict(
    type='mmseg_da.ACDCDataset',
    data_root='data/acdc',
    # Images only: no label file of the target is ever opened.
    data_prefix=dict(img_path='rgb_anon/*/train'),
    img_scale=(960, 540),
    pipeline=[
        dict(type='mmseg_da.LoadImage'),
        dict(type='mmseg_da.ResizeToScale'),
        dict(type='PackSegInputs'),
    ],
)
acdc_val_dataset = dict(
    type='mmseg_da.ACDCDataset',
    data_root='data/acdc',
    data_prefix=dict(img_path='rgb_anon/*/val', seg_map_path='gt/*/val'),
    img_scale=(960, 540),
)
