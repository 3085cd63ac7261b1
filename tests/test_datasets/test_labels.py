"""Decoding of label ids, train ids and colours."""

import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset

from mmseg_da.datasets.labels import (
    check_train_ids,
    decode_label_ids,
    decode_rgb,
)
from mmseg_da.errors import InputError

# Cityscapes' definition, written out independently of the code's table:
# train id -> label id.
LABEL_IDS = {
    'road': 7,
    'sidewalk': 8,
    'building': 11,
    'wall': 12,
    'fence': 13,
    'pole': 17,
    'traffic light': 19,
    'traffic sign': 20,
    'vegetation': 21,
    'terrain': 22,
    'sky': 23,
    'person': 24,
    'rider': 25,
    'car': 26,
    'truck': 27,
    'bus': 28,
    'train': 31,
    'motorcycle': 32,
    'bicycle': 33,
}


def test_every_label_id() -> None:
    classes = CityscapesDataset.METAINFO['classes']
    expected = np.full(256, 255)
    for train_id, name in enumerate(classes):
        expected[LABEL_IDS[name]] = train_id
    ids = np.array([[*range(35), 255]], np.uint8)
    decoded = decode_label_ids(ids, 'a.png')
    assert decoded.dtype == np.uint8
    assert decoded.tolist() == [expected[ids[0]].tolist()]


def test_unknown_label_ids_are_named() -> None:
    ids = np.array([[7, 35, 200, 255]], np.uint8)
    with pytest.raises(InputError, match=r'a\.png .* 35, 200, but') as error:
        decode_label_ids(ids, 'a.png')
    assert '0 to 34' in str(error.value)


def test_train_ids() -> None:
    ids = np.array([[*range(19), 255]], np.uint8)
    assert (check_train_ids(ids, 'a.png') == ids).all()
    for bad in (19, 254):
        with pytest.raises(InputError, match=rf'a\.png .* {bad}, but'):
            check_train_ids(np.array([[0, bad]], np.uint8), 'a.png')


def test_every_colour() -> None:
    palette = CityscapesDataset.METAINFO['palette']
    image = np.array([palette], np.uint8)
    assert decode_rgb(image, 'a.png').tolist() == [list(range(19))]
    # void: unlabeled, static in GTA5, parking, trailer
    void = [(0, 0, 0), (20, 20, 20), (250, 170, 160), (0, 0, 110)]
    image = np.array([void], np.uint8)
    assert decode_rgb(image, 'a.png').tolist() == [[255] * 4]


def test_unknown_colour_is_named() -> None:
    # BGR road is no colour of Cityscapes' that RGB order would hide: sky
    # (70, 130, 180) read backwards is unknown.
    image = np.array([[(70, 130, 180), (180, 130, 70)]], np.uint8)
    with pytest.raises(InputError, match=r'a\.png .* \(180, 130, 70\), but'):
        decode_rgb(image, 'a.png')


def test_many_unknown_values_are_shortened() -> None:
    ids = np.arange(40, 60, dtype=np.uint8)[None]
    with pytest.raises(InputError, match=r'40, 41, 42, 43, 44, \.\.\., but'):
        decode_label_ids(ids, 'a.png')
