# CamVid in the form of SegNet's tutorial (11 classes and void), as the 19
# classes of Cityscapes: {train,val,test}/*.{png,jpg} and
# {train,val,test}annot/*.png.
camvid_label_encoding = dict(
    ids={
        0: 'sky',
        1: 'building',
        2: 'pole',
        3: 'road',
        4: 'sidewalk',
        5: 'vegetation',
        6: 'traffic sign',
        7: 'fence',
        8: 'car',
        9: 'person',
        10: 'bicycle',
        11: 255,
    }
)
# Images alone: no label of the train images is ever opened.
camvid_target_dataset = dict(
    type='mmseg_da.FolderDataset',
    data_root='data/camvid',
    data_prefix=dict(img_path='train'),
    img_scale=(320, 240),
)
camvid_train_dataset = dict(
    type='mmseg_da.FolderDataset',
    data_root='data/camvid',
    data_prefix=dict(img_path='train', seg_map_path='trainannot'),
    label_encoding=camvid_label_encoding,
    img_scale=(320, 240),
)
camvid_val_dataset = dict(
    camvid_train_dataset,
    data_prefix=dict(img_path='val', seg_map_path='valannot'),
)
camvid_test_dataset = dict(
    camvid_train_dataset,
    data_prefix=dict(img_path='test', seg_map_path='testannot'),
)
