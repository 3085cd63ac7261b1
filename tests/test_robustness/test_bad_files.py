"""Every kind of bad image and label ends in one sentence that names it."""

import io
import os
import re
import resource
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image

from mmseg_da.datasets import LoadImage, LoadTrainIds
from mmseg_da.errors import (
    InputError,
    LabelValueError,
    SizeMismatchError,
    UnreadableFileError,
)

SIZE = 64  # Large enough that cutting a file cuts pixels.
_rng = np.random.default_rng(0)
NOISE = _rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
IDS = _rng.integers(0, 34, (SIZE, SIZE)).astype(np.uint8)


def encode(array: np.ndarray, suffix: str = '.png') -> bytes:
    return cv2.imencode(suffix, array)[1].tobytes()


def pillow(mode: str, kind: str = 'PNG', **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.new(mode, (8, 8), **options)
    if mode == 'P':
        image.putpalette(bytes(range(256)) * 3)
    image.save(buffer, kind)
    return buffer.getvalue()


def shallow(bits: int) -> bytes:
    """A grey PNG of 1, 2 or 4 bits with the values 0 and 1."""
    rows = (b'\0' + bytes([1] * bits)) * 8
    chunks = (
        (b'IHDR', struct.pack('>II5B', 8, 8, bits, 0, 0, 0, 0)),
        (b'IDAT', zlib.compress(rows)),
        (b'IEND', b''),
    )
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data))
        + name
        + data
        + struct.pack('>I', zlib.crc32(name + data))
        for name, data in chunks
    )


def flip(data: bytes, index: int) -> bytes:
    return bytes(b ^ 16 * (i == index % len(data)) for i, b in enumerate(data))


def declare(data: bytes, width: int, height: int) -> bytes:
    """Another size in a PNG's header, its checksum put right."""
    header = b'IHDR' + struct.pack('>II', width, height) + data[24:29]
    checksum = struct.pack('>I', zlib.crc32(header))
    return data[:12] + header + checksum + data[33:]


def declare_jpeg(data: bytes, width: int, height: int) -> bytes:
    start = data.index(b'\xff\xc0') + 5
    return data[:start] + struct.pack('>HH', height, width) + data[start + 4 :]


PNG, JPEG, LABEL = encode(NOISE), encode(NOISE, '.jpg'), encode(IDS)
CUT, BROKEN = r'is truncated \(its end', r'cannot be decoded \(damaged'
HUGE = r'declares too large a picture \({}, and at most 67108864 are decoded'
NO_PNG = r'is no PNG: labels must be PNG'

# Name, the file's bytes, what the sentence must say about it.
BOTH = {
    'zero-byte': (lambda good: b'', r'is empty \(0 bytes\): fetch it again'),
    'cut in the header': (lambda good: good[:20], CUT),
    'cut after the header': (lambda good: good[:33], CUT),
    'cut in the pixels': (lambda good: good[: len(good) // 2], CUT),
    'cut before the end chunk': (lambda good: good[:-12], CUT),
    'cut in the end chunk': (lambda good: good[:-5], CUT),
    'flipped width': (lambda good: flip(good, 19), BROKEN),
    'flipped bit depth': (lambda good: flip(good, 24), BROKEN),
    'flipped header checksum': (lambda good: flip(good, 30), BROKEN),
    'flipped chunk name': (lambda good: flip(good, 38), BROKEN),
    'flipped pixels': (lambda good: flip(good, len(good) // 2), BROKEN),
    'flipped pixel checksum': (lambda good: flip(good, -18), BROKEN),
    'header alone': (lambda good: good[:33] + b'IEND', BROKEN),
    'no pixels declared': (lambda good: declare(good, 0, 0), BROKEN),
    'more pixels declared': (lambda good: declare(good, 640, 640), BROKEN),
    '100 times 100 thousand': (
        lambda good: declare(good, 100_000, 100_000),
        HUGE.format('over 178956970 pixels'),
    ),
    '30 times 30 thousand': (
        lambda good: declare(good, 30_000, 30_000),
        HUGE.format('over 178956970 pixels'),
    ),
    '10 times 10 thousand': (
        lambda good: declare(good, 10_000, 10_000),
        HUGE.format('10000x10000 pixels'),
    ),
}
IMAGES = {
    **{name: (make(PNG), text) for name, (make, text) in BOTH.items()},
    'text': (b'GTA5 is not here', BROKEN),
    'web page': (b'<!DOCTYPE html><title>404</title>', BROKEN),
    'pickle': (b'\x80\x02}q\x00.', BROKEN),
    'cut signature': (PNG[:4], BROKEN),
    'flipped signature': (flip(PNG, 1), BROKEN),
    'JPEG, start alone': (JPEG[:2], CUT),
    'JPEG cut in the header': (JPEG[:200], CUT),
    'JPEG cut in the pixels': (JPEG[: len(JPEG) // 2], CUT),
    'JPEG cut before the end': (JPEG[:-2], CUT),
    'JPEG, flipped start': (flip(JPEG, 0), BROKEN),
    'JPEG, flipped table': (flip(JPEG, 160), BROKEN),
    'JPEG of 60 times 60 thousand': (
        declare_jpeg(JPEG, 60_000, 60_000),
        HUGE.format('over 178956970 pixels'),
    ),
    'float TIFF': (pillow('F', 'TIFF'), BROKEN),
}
LABELS = {
    **{name: (make(LABEL), text) for name, (make, text) in BOTH.items()},
    'text': (b'GTA5 is not here', NO_PNG),
    'cut signature': (LABEL[:4], NO_PNG),
    'JPEG': (pillow('L', 'JPEG'), NO_PNG),
    'CMYK JPEG': (pillow('CMYK', 'JPEG'), NO_PNG),
    'GIF': (pillow('P', 'GIF'), NO_PNG),
    'float TIFF': (pillow('F', 'TIFF'), NO_PNG),
    **{
        f'{bits}-bit grey': (
            shallow(bits),
            rf'is grey with {bits} bits per pixel, which decoders scale',
        )
        for bits in (1, 2, 4)
    },
    '16-bit colour': (
        encode(np.full((8, 8, 3), 7, np.uint16)),
        r'has 16 bits per value, but colours have 8',
    ),
    'grey with alpha': (
        pillow('LA'),
        r'has the colour mode LA, but labels are palette, grey, RGB or RGBA',
    ),
}
VALUES = {
    'label id 35': (
        pillow('L', color=35),
        r'value\(s\) 35 \(64 pixels\), but label ids are 0 to 34 and 255',
    ),
    'palette index 200': (
        pillow('P', color=200),
        r'the unknown label value\(s\) 200 \(64 pixels\), but label ids are',
    ),
    'colour': (
        pillow('RGB', color=(1, 2, 3)),
        r'label colour\(s\) \(1, 2, 3\) \(64 pixels\), but an RGB label uses',
    ),
    'colour with alpha': (
        pillow('RGBA', color=(1, 2, 3, 9)),
        r'label colour\(s\) \(1, 2, 3\) \(64 pixels\), but an RGB label uses',
    ),
}


def load_image(path: Path) -> np.ndarray:
    return LoadImage()({'img_path': str(path)})['img']


def load_label(path: Path, **results) -> np.ndarray:
    results = {
        'img_path': 'image.png',
        'seg_map_path': str(path),
        'seg_fields': [],
        'label_encoding': 'label_ids',
        **results,
    }
    return LoadTrainIds()(results)['gt_seg_map']


def sentence(load: Callable, path: Path, kind: type = InputError) -> str:
    with pytest.raises(kind) as error:
        load(path)
    said = str(error.value)
    assert '\n' not in said and said.endswith('.')
    assert str(path) in said
    return said


def check(kind, load, path, data, text, error) -> None:
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = sentence(load, path, error)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000, 'kB: the declared pixels were made room for'
    assert said.startswith(f'The {kind} file {path} ') or kind == 'value'
    assert re.search(text, said), said


@pytest.mark.parametrize('name', IMAGES)
def test_bad_image(tmp_path: Path, name: str) -> None:
    data, text = IMAGES[name]
    path = tmp_path / 'a.png'
    check('image', load_image, path, data, text, UnreadableFileError)


@pytest.mark.parametrize('name', LABELS)
def test_bad_label(tmp_path: Path, name: str) -> None:
    data, text = LABELS[name]
    path = tmp_path / 'a.png'
    check('label', load_label, path, data, text, UnreadableFileError)


def regular(mode: str) -> bytes:
    """A label as regular as real ones, where damage may decode."""
    rows, columns = np.indices((32, 48))
    image = Image.fromarray(((rows + columns) // 8).astype(np.uint8))
    if mode == 'P':
        image.putpalette([*range(17)] * 3)
    buffer = io.BytesIO()
    image.save(buffer, 'PNG')
    return buffer.getvalue()


@pytest.mark.parametrize('mode', ['L', 'P'])
def test_a_flipped_bit_of_a_label_is_found(tmp_path: Path, mode: str) -> None:
    """Any bit; some of them Pillow decodes to other pixels."""
    good = regular(mode)
    path = tmp_path / 'a.png'
    path.write_bytes(good)
    label = load_label(path)
    found = 0
    for bit in range(8 * len(good)):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            assert (load_label(path) == label).all(), f'bit {bit}'
        except InputError as error:
            assert str(path) in str(error)
            found += 1
    assert found > 7 * len(good)


@pytest.mark.parametrize('name', VALUES)
def test_bad_label_value(tmp_path: Path, name: str) -> None:
    data, text = VALUES[name]
    path = tmp_path / 'a.png'
    check('value', load_label, path, data, text, LabelValueError)


@pytest.mark.parametrize('value', [19, 34, 254])
def test_bad_train_id(tmp_path: Path, value: int) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(pillow('L', color=value))

    def load(path: Path) -> np.ndarray:
        return load_label(path, label_encoding='train_ids')

    said = sentence(load, path, LabelValueError)
    assert f'{value} (64 pixels), but train ids are 0 to 18 and 255' in said


@pytest.mark.parametrize('size', [(8, 9), (1, 1), (4, 4)])
def test_size_mismatch(tmp_path: Path, size: tuple) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(pillow('L', color=7))

    def load(path: Path) -> np.ndarray:
        return load_label(path, ori_shape=size)

    said = sentence(load, path, SizeMismatchError)
    assert f'is 8x8, but its image image.png is {size[1]}x{size[0]}' in said


def no_file(path: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name('nothing.png'))


def link_loop(path: Path) -> None:
    path.with_name('b.png').symlink_to(path)
    path.symlink_to(path.with_name('b.png'))


def file_as_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(PNG)


PLACES = {
    no_file: 'No such file or directory',
    folder: 'Is a directory',
    dangling_link: 'No such file or directory',
    link_loop: 'Too many levels of symbolic links',
    file_as_folder: 'Not a directory',
}


@pytest.mark.parametrize('kind', ['image', 'label'])
@pytest.mark.parametrize('make', PLACES)
def test_bad_place(tmp_path: Path, make: Callable, kind: str) -> None:
    path = tmp_path / 'folder' / 'a.png'
    path.parent.mkdir()
    make(path)
    load = load_image if kind == 'image' else load_label
    said = sentence(load, path, UnreadableFileError)
    assert said == f'The {kind} file {path} cannot be read: {PLACES[make]}.'


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(PNG)
    path.chmod(0)
    said = sentence(load_image, path, UnreadableFileError)
    assert 'cannot be read: Permission denied' in said


GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3
UNUSUAL = {
    'grey': encode(GREY),
    '16-bit grey': encode(GREY.astype(np.uint16) * 257),
    '16-bit colour': encode(cv2.merge([GREY.astype(np.uint16) * 257] * 3)),
    'with alpha': encode(cv2.merge([GREY, GREY, GREY, GREY])),
    'BMP': encode(GREY, '.bmp'),
    'TIFF': encode(GREY, '.tiff'),
}


@pytest.mark.parametrize('name', UNUSUAL)
def test_unusual_image_is_read(tmp_path: Path, name: str) -> None:
    """Other encodings give the 8-bit colours that they stand for."""
    path = tmp_path / 'a.png'
    path.write_bytes(UNUSUAL[name])
    img = load_image(path)
    assert img.dtype == np.uint8 and img.shape == (8, 8, 3)
    assert (img == GREY[..., None]).all()


def test_cmyk_is_read(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(pillow('CMYK', 'JPEG', color=(0, 255, 255, 0)))
    red = load_image(path)[4, 4].astype(int)  # BGR
    assert red[2] > 200 and red[:2].max() < 60


def test_one_pixel(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(encode(np.full((1, 1, 3), 9, np.uint8)))
    assert load_image(path).tolist() == [[[9, 9, 9]]]
    path.write_bytes(encode(np.full((1, 1), 26, np.uint8)))
    assert load_label(path, ori_shape=(1, 1)).tolist() == [[13]]


def test_void_label_is_read(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(pillow('L'))
    assert (load_label(path) == 255).all()
    void = dict(label_encoding='train_ids')
    path.write_bytes(pillow('L', color=255))
    assert (load_label(path, **void) == 255).all()


def test_colours_of_every_class_with_alpha(tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    palette = np.array([CityscapesDataset.METAINFO['palette']], np.uint8)
    rgba = np.dstack([palette, np.full((1, 19), 128, np.uint8)])
    Image.fromarray(rgba).save(path)
    assert load_label(path).tolist() == [list(range(19))]
