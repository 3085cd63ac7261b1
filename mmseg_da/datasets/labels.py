"""Cityscapes labels to the 19 train ids, by table look-up.

Both data sets use Cityscapes' label ids: Cityscapes' ``labelIds`` PNGs hold
them as grey values, GTA5's label PNGs as palette indices. Copies of GTA5
converted to RGB hold Cityscapes' colours instead. Everything outside the 19
evaluated classes becomes 255 (void).
"""

from functools import lru_cache

import cv2
import numpy as np
from mmseg.datasets import CityscapesDataset

from ..errors import LabelValueError

IGNORE_INDEX = 255
# The label id of each of the 19 train ids, in order, road to bicycle.
TRAIN_TO_LABEL_ID = (
    *(7, 8, 11, 12, 13, 17, 19, 20, 21, 22),
    *(23, 24, 25, 26, 27, 28, 31, 32, 33),
)
NUM_LABEL_IDS = 35
# Colours of what is not evaluated: unlabeled and its like, dynamic, ground,
# parking, rail track, guard rail, bridge, tunnel, caravan, trailer; and
# GTA5's own grey for static. Two labels share an evaluated class's colour
# and so count as that class in RGB files: polegroup (pole), licence plate
# (car).
VOID_COLOURS = (
    *((0, 0, 0), (20, 20, 20), (111, 74, 0), (81, 0, 81)),
    *((250, 170, 160), (230, 150, 140), (180, 165, 180), (150, 100, 100)),
    *((150, 120, 90), (0, 0, 90), (0, 0, 110)),
)
# Marks what a table does not know; no train id and not the void.
_UNKNOWN = 254


def _label_id_table() -> np.ndarray:
    table = np.full(256, _UNKNOWN, np.uint8)
    table[:NUM_LABEL_IDS] = IGNORE_INDEX
    table[255] = IGNORE_INDEX  # licence plate: -1 stored in 8 bits
    table[list(TRAIN_TO_LABEL_ID)] = np.arange(len(TRAIN_TO_LABEL_ID))
    return table


def _train_id_table() -> np.ndarray:
    table = np.full(256, _UNKNOWN, np.uint8)
    table[: len(TRAIN_TO_LABEL_ID)] = np.arange(len(TRAIN_TO_LABEL_ID))
    table[IGNORE_INDEX] = IGNORE_INDEX
    return table


LABEL_TO_TRAIN_ID = _label_id_table()
_TRAIN_ID_TABLE = _train_id_table()


@lru_cache(maxsize=1)
def _colour_table() -> np.ndarray:
    """The train id of every 24-bit colour (16 MiB, built on first use)."""
    table = np.full(1 << 24, _UNKNOWN, np.uint8)
    for red, green, blue in VOID_COLOURS:
        table[red << 16 | green << 8 | blue] = IGNORE_INDEX
    palette = CityscapesDataset.METAINFO['palette']
    for train_id, (red, green, blue) in enumerate(palette):
        table[red << 16 | green << 8 | blue] = train_id
    return table


def _some(values: np.ndarray) -> str:
    shown = ', '.join(str(value) for value in values[:5])
    return shown + (', ...' if len(values) > 5 else '')


def _look_up(
    array: np.ndarray, table: np.ndarray, path: str, expected: str
) -> np.ndarray:
    decoded = cv2.LUT(array, table)
    unknown = decoded == _UNKNOWN
    if unknown.any():
        raise LabelValueError(
            f'{path} holds the unknown label value(s) '
            f'{_some(np.unique(array[unknown]))}, but {expected}.'
        )
    return decoded


def decode_label_ids(array: np.ndarray, path: str) -> np.ndarray:
    """Turn Cityscapes label ids into train ids.

    Args:
        array (np.ndarray): Label ids, uint8, shape (H, W).
        path (str): The file they came from, for the message.

    Returns:
        np.ndarray: Train ids 0..18 and 255 (void), uint8, shape (H, W).

    Raises:
        LabelValueError: An id is outside 0..34 and is not 255.
    """
    return _look_up(
        array,
        LABEL_TO_TRAIN_ID,
        path,
        'label ids are 0 to 34 and 255 (train ids need a seg_map_suffix '
        "with 'TrainIds' in it)",
    )


def check_train_ids(array: np.ndarray, path: str) -> np.ndarray:
    """Check that a map holds train ids.

    Args:
        array (np.ndarray): Train ids, uint8, shape (H, W).
        path (str): The file they came from, for the message.

    Returns:
        np.ndarray: A copy of the map.

    Raises:
        LabelValueError: A value is outside 0..18 and is not 255.
    """
    return _look_up(
        array, _TRAIN_ID_TABLE, path, 'train ids are 0 to 18 and 255'
    )


def decode_rgb(array: np.ndarray, path: str) -> np.ndarray:
    """Turn Cityscapes' colours into train ids.

    Args:
        array (np.ndarray): Colours in RGB order, uint8, shape (H, W, 3).
        path (str): The file they came from, for the message.

    Returns:
        np.ndarray: Train ids 0..18 and 255 (void), uint8, shape (H, W).

    Raises:
        LabelValueError: A colour is not one of Cityscapes'.
    """
    # As B, G, R, A bytes a pixel reads as one little-endian 32-bit number.
    packed = cv2.cvtColor(array, cv2.COLOR_RGB2BGRA).view('<u4')[..., 0]
    packed &= 0xFFFFFF
    decoded = _colour_table().take(packed)
    unknown = decoded == _UNKNOWN
    if unknown.any():
        colours = [
            f'({c >> 16}, {c >> 8 & 255}, {c & 255})'
            for c in np.unique(packed[unknown]).tolist()
        ]
        raise LabelValueError(
            f'{path} holds the unknown label colour(s) {_some(colours)}, but '
            "an RGB label uses Cityscapes' colours only."
        )
    return decoded
