"""Bad files of every kind, and what good ones become."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image
from tiny_data import HEIGHT, WIDTH, write_image, write_label

from mmseg_da.datasets import LoadImage, LoadTrainIds
from mmseg_da.errors import InputError

PALETTE = CityscapesDataset.METAINFO['palette']


def load_label(path: Path, **results) -> np.ndarray:
    results = {
        'img_path': 'img.png',
        'seg_map_path': str(path),
        'seg_fields': [],
        'label_encoding': 'label_ids',
        **results,
    }
    results = LoadTrainIds()(results)
    assert results['seg_fields'] == ['gt_seg_map']
    return results['gt_seg_map']


def load_image(path: Path) -> np.ndarray:
    return LoadImage()({'img_path': str(path)})['img']


@pytest.mark.parametrize('mode', ['L', 'P'])
def test_ids(tmp_path: Path, mode: str) -> None:
    ids = np.zeros((HEIGHT, WIDTH))
    ids[2, 3], ids[4, 5] = 33, 7
    write_label(tmp_path / 'a.png', ids, mode)
    label = load_label(tmp_path / 'a.png', ori_shape=(HEIGHT, WIDTH))
    assert label.dtype == np.uint8
    assert label.shape == (HEIGHT, WIDTH)
    assert label[2, 3] == 18 and label[4, 5] == 0
    assert (label == 255).sum() == HEIGHT * WIDTH - 2


@pytest.mark.parametrize('alpha', [False, True])
def test_colours(tmp_path: Path, alpha: bool) -> None:
    colours = np.array([PALETTE], np.uint8)
    if alpha:
        colours = np.dstack([colours, np.full((1, 19), 255, np.uint8)])
    Image.fromarray(colours).save(tmp_path / 'a.png')
    # Colours are the same in both encodings.
    for encoding in ('label_ids', 'train_ids'):
        label = load_label(tmp_path / 'a.png', label_encoding=encoding)
        assert label.tolist() == [list(range(19))]


def test_train_ids_and_label_map(tmp_path: Path) -> None:
    write_label(tmp_path / 'a.png', 13)
    path = tmp_path / 'a.png'
    label = load_label(path, label_encoding='train_ids')
    assert np.unique(label).tolist() == [13]
    label = load_label(path)  # label id 13 is fence, train id 4
    assert np.unique(label).tolist() == [4]
    label = load_label(path, label_map={4: 1, 13: 0})
    assert np.unique(label).tolist() == [1]


def test_unknown_id_and_colour(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    write_label(path, 77)
    with pytest.raises(InputError, match=r' 77 \(128 pixels\), but label ids'):
        load_label(path)
    with pytest.raises(InputError, match=r' 77 \(128 pixels\), but train ids'):
        load_label(path, label_encoding='train_ids')
    Image.new('RGB', (4, 4), (1, 2, 3)).save(path)
    with pytest.raises(InputError, match=r'\(1, 2, 3\) \(16 pixels\), but'):
        load_label(path)


def test_size_mismatch(tmp_path: Path) -> None:
    write_label(tmp_path / 'a.png', 7)
    finding = rf'a\.png is {WIDTH}x{HEIGHT}, but its image .*img\.png is 20x8'
    with pytest.raises(InputError, match=finding):
        load_label(tmp_path / 'a.png', ori_shape=(8, 20))


def noisy_label(path: Path) -> bytes:
    """A label too large to survive a cut."""
    ids = np.random.default_rng(0).integers(0, 34, (64, 64))
    write_label(path, ids, size=(64, 64))
    return path.read_bytes()


@pytest.mark.parametrize('share', [0.1, 0.5, 0.95])
def test_truncated_label(tmp_path: Path, share: float) -> None:
    data = noisy_label(tmp_path / 'a.png')
    (tmp_path / 'a.png').write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r'label file .*a\.png is truncated'):
        load_label(tmp_path / 'a.png')


def test_damaged_label(tmp_path: Path) -> None:
    data = bytearray(noisy_label(tmp_path / 'a.png'))
    data[len(data) // 2] ^= 16
    (tmp_path / 'a.png').write_bytes(data)
    with pytest.raises(InputError, match=r'a\.png cannot be decoded'):
        load_label(tmp_path / 'a.png')


def test_other_kinds_of_label(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full((4, 4, 3), 40000, np.uint16))
    with pytest.raises(InputError, match=r'a\.png has 16 bits'):
        load_label(path)
    cv2.imwrite(str(path), np.full((4, 4), 40000, np.uint16))
    with pytest.raises(InputError, match=r' 40000 \(16 pixels\), but'):
        load_label(path)
    Image.new('LA', (4, 4)).save(path)
    with pytest.raises(InputError, match=r'a\.png has the colour mode LA'):
        load_label(path)
    Image.new('L', (4, 4), 7).save(path, format='JPEG')
    with pytest.raises(InputError, match=r'a\.png is no PNG'):
        load_label(path)
    path.write_bytes(b'\x89PNG\r\n\x1a\nIEND')
    with pytest.raises(InputError, match=r'a\.png cannot be decoded'):
        load_label(path)


@pytest.mark.parametrize('kind', ['image', 'label'])
def test_missing_and_empty_files(tmp_path: Path, kind: str) -> None:
    load = load_image if kind == 'image' else load_label
    with pytest.raises(InputError, match=rf'{kind} file .*a\.png cannot be'):
        load(tmp_path / 'a.png')
    (tmp_path / 'a.png').touch()
    with pytest.raises(InputError, match=r'a\.png is empty \(0 bytes\)'):
        load(tmp_path / 'a.png')
    (tmp_path / 'b.png').mkdir()
    with pytest.raises(InputError, match=r'b\.png cannot be read: Is a dir'):
        load(tmp_path / 'b.png')
    (tmp_path / 'c.png').symlink_to(tmp_path / 'c.png')
    with pytest.raises(InputError, match=r'c\.png cannot be read: Too many'):
        load(tmp_path / 'c.png')


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.95])
def test_truncated_image(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f'a{suffix}'
    write_image(path, size=(64, 64))
    data = path.read_bytes()
    assert load_image(path).shape == (64, 64, 3)
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=rf'image file .*a\{suffix} is trunc'):
        load_image(path)


def test_no_image(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    for data in (b'GTA5 is not here', b'\x89PNG\r\n\x1a\n junk IEND'):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r'a\.png cannot be decoded'):
            load_image(path)
    with pytest.raises(InputError):
        LoadImage()({'img_path': str(path)})
    loader = LoadImage(ignore_empty=True)
    assert loader({'img_path': str(path)}) is None


def test_unusual_but_fine_images(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full((3, 5), 257 * 9, np.uint16))
    img = load_image(path)
    assert img.dtype == np.uint8 and img.shape == (3, 5, 3)
    assert np.unique(img).tolist() == [9]
    buffer = io.BytesIO()
    Image.new('CMYK', (5, 3)).save(buffer, 'JPEG')
    path.write_bytes(buffer.getvalue())  # a JPEG that is called PNG
    assert load_image(path).shape == (3, 5, 3)
    results = LoadImage()({'img_path': str(path)})
    assert results['img_shape'] == results['ori_shape'] == (3, 5)
