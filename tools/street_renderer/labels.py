"""Cityscapes label ids that the renderer draws, and their colours."""

import numpy as np

UNLABELED, EGO_VEHICLE, STATIC, DYNAMIC = 0, 1, 4, 5
ROAD, SIDEWALK, BUILDING, WALL, FENCE = 7, 8, 11, 12, 13
POLE, LIGHT, SIGN, VEGETATION, TERRAIN, SKY = 17, 19, 20, 21, 22, 23
PERSON, RIDER, CAR, TRUCK, BUS, TRAIN = 24, 25, 26, 27, 28, 31
MOTORCYCLE, BICYCLE = 32, 33

#: The 19 label ids of the classes, in the order of the train ids.
TRAIN_IDS = {
    'road': ROAD,
    'sidewalk': SIDEWALK,
    'building': BUILDING,
    'wall': WALL,
    'fence': FENCE,
    'pole': POLE,
    'traffic light': LIGHT,
    'traffic sign': SIGN,
    'vegetation': VEGETATION,
    'terrain': TERRAIN,
    'sky': SKY,
    'person': PERSON,
    'rider': RIDER,
    'car': CAR,
    'truck': TRUCK,
    'bus': BUS,
    'train': TRAIN,
    'motorcycle': MOTORCYCLE,
    'bicycle': BICYCLE,
}
VOID_IDS = (UNLABELED, EGO_VEHICLE, STATIC, DYNAMIC)

_COLOURS = {
    4: (20, 20, 20),
    5: (111, 74, 0),
    6: (81, 0, 81),
    7: (128, 64, 128),
    8: (244, 35, 232),
    9: (250, 170, 160),
    10: (230, 150, 140),
    11: (70, 70, 70),
    12: (102, 102, 156),
    13: (190, 153, 153),
    14: (180, 165, 180),
    15: (150, 100, 100),
    16: (150, 120, 90),
    17: (153, 153, 153),
    18: (153, 153, 153),
    19: (250, 170, 30),
    20: (220, 220, 0),
    21: (107, 142, 35),
    22: (152, 251, 152),
    23: (70, 130, 180),
    24: (220, 20, 60),
    25: (255, 0, 0),
    26: (0, 0, 142),
    27: (0, 0, 70),
    28: (0, 60, 100),
    29: (0, 0, 90),
    30: (0, 0, 110),
    31: (0, 80, 100),
    32: (0, 0, 230),
    33: (119, 11, 32),
    34: (0, 0, 142),
}


def label_palette() -> np.ndarray:
    """Return Cityscapes' colours by label id.

    Returns:
        np.ndarray: RGB, uint8 of shape (256, 3); ids without a colour are
        black.
    """
    palette = np.zeros((256, 3), np.uint8)
    for label, colour in _COLOURS.items():
        palette[label] = colour
    return palette
