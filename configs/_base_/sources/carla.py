# CARLA 0.9.11 with its own tags, as the 19 classes of Cityscapes.
#
# A camera of CARLA writes the tag into the red channel: then add
# channel='red' to the label encoding. Here the tags are grey PNGs:
# images/*.jpg and tags/*.png.
carla_label_encoding = dict(
    ids={
        0: 255,  # unlabelled
        1: 'building',
        2: 'fence',
        3: 255,  # other
        4: 'person',
        5: 'pole',
        6: 'road',  # road line
        7: 'road',
        8: 'sidewalk',
        9: 'vegetation',
        10: 'car',  # every vehicle
        11: 'wall',
        12: 'traffic sign',
        13: 'sky',
        14: 255,  # ground
        15: 255,  # bridge
        16: 255,  # rail track
        17: 255,  # guard rail
        18: 'traffic light',
        19: 255,  # static
        20: 255,  # dynamic
        21: 255,  # water
        22: 'terrain',
    }
)
carla_dataset = dict(
    type='mmseg_da.FolderDataset',
    data_root='data/carla',
    data_prefix=dict(img_path='images', seg_map_path='tags'),
    label_encoding=carla_label_encoding,
    img_scale=(320, 240),
)
