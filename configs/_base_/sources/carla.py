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
# Square roots of the median-frequency weights within 0.3 and 4, from
#   tools/analysis/class_statistics.py \
#       configs/carla2camvid/bisenet_start_carla2camvid.py
# and 1 for the classes that CARLA lacks.
carla_class_weight = [
    *(0.3, 0.82, 0.41, 1.0, 1.68),  # road to fence
    *(1.99, 4.0, 4.0, 0.49, 0.73),  # pole to terrain
    *(0.3, 4.0, 1.0, 1.53),  # sky, person, rider, car
    *(1.0, 1.0, 1.0, 1.0, 1.0),
]
