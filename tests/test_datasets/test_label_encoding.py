"""Decoding of label ids, train ids, colours and palettes."""

from pathlib import Path

import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image
from tiny_data import cityscapes_palette

from mmseg_da.datasets import LoadTrainIds
from mmseg_da.datasets.encodings import (
    COLOURS,
    LABEL_IDS,
    TRAIN_IDS,
    UNCLEAR,
    guess_encoding,
)
from mmseg_da.datasets.label_encoding import decode_colours, decode_ids
from mmseg_da.errors import InputError

# Cityscapes' definition, written out independently of the code's table:
# train id -> label id.
LABEL_ID_OF = {
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
PALETTE = CityscapesDataset.METAINFO['palette']


def expected_of_label_ids() -> np.ndarray:
    expected = np.full(256, 255)
    for index, name in enumerate(CityscapesDataset.METAINFO['classes']):
        expected[LABEL_ID_OF[name]] = index
    return expected


def test_every_label_id() -> None:
    ids = np.array([[*range(35), 255]], np.uint8)
    decoded = decode_ids(ids, 'a.png', LABEL_IDS)
    assert decoded.dtype == np.uint8
    assert decoded.tolist() == [expected_of_label_ids()[ids[0]].tolist()]
    assert (decode_ids(ids.astype(np.uint16), '', LABEL_IDS) == decoded).all()


def test_unknown_label_ids_are_named_and_counted() -> None:
    ids = np.array([[7, 35, 200, 35, 255]], np.uint8)
    finding = r'a\.png .* 35 \(2 pixels\), 200 \(1 pixel\), but .* 0 to 34'
    with pytest.raises(InputError, match=finding):
        decode_ids(ids, 'a.png', LABEL_IDS)


def test_train_ids() -> None:
    ids = np.array([[*range(19), 255]], np.uint8)
    assert (decode_ids(ids, 'a.png', TRAIN_IDS) == ids).all()
    for bad in (19, 254):
        finding = rf'a\.png .* {bad} \(1 pixel\), but'
        with pytest.raises(InputError, match=finding):
            decode_ids(np.array([[0, bad]], np.uint8), 'a.png', TRAIN_IDS)


def test_every_colour() -> None:
    image = np.array([PALETTE], np.uint8)
    decoded = decode_colours(image, 'a.png', COLOURS)
    assert decoded.tolist() == [list(range(19))]
    # void: unlabeled, static in GTA5, parking, trailer
    void = [(0, 0, 0), (20, 20, 20), (250, 170, 160), (0, 0, 110)]
    image = np.array([void], np.uint8)
    assert decode_colours(image, 'a.png', COLOURS).tolist() == [[255] * 4]


def test_unknown_colour_is_named() -> None:
    # BGR road is no colour of Cityscapes' that RGB order would hide: sky
    # (70, 130, 180) read backwards is unknown.
    image = np.array([[(70, 130, 180), (180, 130, 70)]], np.uint8)
    finding = r'a\.png .* \(180, 130, 70\) \(1 pixel\), but'
    with pytest.raises(InputError, match=finding):
        decode_colours(image, 'a.png', COLOURS)


def test_many_unknown_values_are_shortened() -> None:
    ids = np.repeat(np.arange(40, 60, dtype=np.uint8), 2)[None]
    finding = r'40 \(2 pixels\), .*, 44 \(2 pixels\), \.\.\., but'
    with pytest.raises(InputError, match=finding):
        decode_ids(ids, 'a.png', LABEL_IDS)


@pytest.mark.parametrize(
    ('suffix', 'encoding'),
    [
        *(
            (suffix, TRAIN_IDS)
            for suffix in (
                *('_labelTrainIds.png', '_train_id.png', '_train_ids.png'),
                *('_labelTrainId.png', '_trainid.png', '-train-ids.PNG'),
            )
        ),
        ('_gtFine_labelIds.png', LABEL_IDS),
        ('_label_ids.png', LABEL_IDS),
    ],
)
def test_encoding_that_a_suffix_names(suffix, encoding) -> None:
    assert guess_encoding(suffix).ids == encoding.ids


@pytest.mark.parametrize('suffix', ['.png', '_gt.png', '_ids.png', ''])
def test_suffix_that_names_no_encoding(suffix) -> None:
    assert guess_encoding(suffix) is None


# Palette files.


@pytest.fixture
def load(tmp_path: Path):
    """Write indices with a palette, and load the file."""

    def load(indices, palette, encoding=UNCLEAR) -> list:
        image = Image.fromarray(np.array([indices], np.uint8))
        image.putpalette([value for colour in palette for value in colour])
        image.save(tmp_path / 'a.png')
        results = {
            'seg_map_path': str(tmp_path / 'a.png'),
            'seg_fields': [],
            'label_encoding': encoding,
        }
        results = LoadTrainIds()(results)
        assert not results['unclear_label']
        return results['gt_seg_map'][0].tolist()

    return load


def test_palette_of_label_ids_as_gta5_has_it(load) -> None:
    """All ids, polegroup and licence plate in others' colours too."""
    ids = [*range(35), 255]
    expected = expected_of_label_ids()[ids].tolist()
    for encoding in (UNCLEAR, LABEL_IDS):
        assert load(ids, cityscapes_palette(), encoding) == expected


def test_palette_of_train_ids_is_read_by_its_colours(load) -> None:
    """With 8 a traffic sign's neighbour, not a sidewalk."""
    palette = [*PALETTE, *[(0, 0, 0)] * 237]
    ids = [*range(19), 255]
    assert load(ids, palette) == ids
    assert load([8, 8, 13], palette) == [8, 8, 13]
    assert load(ids, palette, TRAIN_IDS) == ids
    # Label ids in a file that is called train ids.
    guess = guess_encoding('_trainIds.png')
    assert load([7, 26, 0], cityscapes_palette(), guess) == [0, 13, 255]


def test_palette_in_any_order_is_read_by_its_colours(load) -> None:
    palette = [PALETTE[13], PALETTE[0], (0, 0, 0)]
    assert load([0, 1, 2, 1], palette) == [13, 0, 255, 0]
    assert load([0, 1, 2, 1], palette, COLOURS) == [13, 0, 255, 0]
    with pytest.raises(InputError, match=r'\(9, 9, 9\) \(1 pixel\), but'):
        load([0, 1], [PALETTE[0], (9, 9, 9)], COLOURS)


@pytest.mark.parametrize('entry', [(9, 9, 9), (0, 0, 0)])
def test_palette_that_says_nothing_leaves_the_ids(load, entry) -> None:
    palette = [entry] * 256
    assert load([23, 26, 33], palette) == [10, 13, 18]
    # One class without its colour.
    palette = cityscapes_palette()
    palette[33] = entry
    assert load([23, 26, 33], palette) == [10, 13, 18]


def test_palette_that_contradicts_its_ids(load) -> None:
    palette = cityscapes_palette()
    palette[8], palette[11] = palette[11], palette[8]
    finding = (
        r'palette of .*a\.png contradicts its ids: id 8 is class 1, but its '
        r'colour \(70, 70, 70\) is the one of class 2; set label_encoding'
    )
    with pytest.raises(InputError, match=finding):
        load([7, 8], palette)
    assert load([7, 26], palette) == [0, 13]
    # A declared encoding is not overruled.
    with pytest.raises(InputError, match='id 0 is void, but its colour'):
        load([0, 1], PALETTE, LABEL_IDS)
    with pytest.raises(InputError, match='id 7 is class 7, but its colour'):
        load([7], cityscapes_palette(), TRAIN_IDS)
