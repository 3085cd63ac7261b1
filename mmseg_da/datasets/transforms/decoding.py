"""From the bytes of a label PNG to classes."""

import mmcv
import numpy as np
from PIL import Image

from mmseg_da.datasets.label_encoding import (
    CHANNELS,
    LabelEncoding,
    decode_colours,
    decode_ids,
    decode_palette,
    fits_train_ids,
)
from mmseg_da.errors import UnreadableFileError

# Colour types in a PNG's header.
GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6
_KINDS = {GREY: 'grey', RGB: 'RGB', PALETTE: 'a palette file', RGBA: 'RGBA'}


def decode_label(
    data: bytes, image: Image.Image, path: str, encoding: LabelEncoding
) -> tuple[np.ndarray, bool]:
    """Decode a label PNG, whose header is whole, by one table look-up.

    Returns:
        tuple[np.ndarray, bool]: Classes and 255 (void), uint8, shape (H, W);
        and whether the file could as well hold train ids.

    Raises:
        InputError: The file is not of the declared kind, or holds a value
            that stands for no class.
    """
    # Bits a value and colour type, in the header.
    bits, kind = data[24], data[25]
    if kind not in _KINDS:
        raise UnreadableFileError(
            f'The label file {path} has the colour mode {image.mode}, but '
            'labels are palette, grey, RGB or RGBA PNGs.'
        )
    if encoding.channel is not None:
        ids = _read_channel(data, image, path, encoding.channel)
        return decode_ids(ids, path, encoding), False
    is_unclear = encoding.is_unclear
    if kind == PALETTE:
        ids, palette = np.asarray(image), bytes(image.getpalette('RGB'))
        classes, is_sure = decode_palette(ids, palette, path, encoding)
        return classes, is_unclear and not is_sure and fits_train_ids(ids)
    if kind == GREY:
        ids = _read_grey(data, image, path, encoding)
        classes = decode_ids(ids, path, encoding)
        return classes, is_unclear and fits_train_ids(ids)
    if not encoding.colours:
        raise UnreadableFileError(
            f'The label file {path} holds colours, but label_encoding says '
            'that it holds ids: say which channel has them '
            "(channel='red'), or give a dict with colours."
        )
    if bits == 16:
        raise UnreadableFileError(
            f'The label file {path} has 16 bits per value, but colours have '
            '8; if one channel holds ids, give label_encoding a dict with '
            'ids and channel.'
        )
    colours = np.asarray(image.convert('RGB'))
    return decode_colours(colours, path, encoding), False


def unclear_label(path: str) -> str:
    """Say that a label file fits two encodings."""
    return (
        f'The label file {path} fits both label ids and train ids, and '
        'neither its name nor its colours tell which: it is read as label '
        "ids; set label_encoding of the data set to 'label_ids' or "
        "'train_ids'."
    )


def _read_grey(
    data: bytes, image: Image.Image, path: str, encoding: LabelEncoding
) -> np.ndarray:
    bits = data[24]
    if bits < 8:
        raise UnreadableFileError(
            f'The label file {path} is grey with {bits} bits per pixel, '
            'which decoders scale to other ids: save it with 8 bits.'
        )
    if not encoding.ids:
        raise UnreadableFileError(
            f'The label file {path} is grey, but {encoding.expected}: set '
            'label_encoding to what its ids mean.'
        )
    return np.asarray(image) if bits == 8 else _decode_16_bits(data)


def _read_channel(
    data: bytes, image: Image.Image, path: str, channel: str
) -> np.ndarray:
    bits, kind = data[24], data[25]
    index = CHANNELS.index(channel)
    if index >= {RGB: 3, RGBA: 4}.get(kind, 0):
        raise UnreadableFileError(
            f'The label file {path} has no {channel} channel, which '
            f'label_encoding.channel names: it is {_KINDS[kind]}.'
        )
    if bits == 8:
        return np.asarray(image.getchannel(index))
    # OpenCV's order is blue, green, red, alpha.
    planes = _decode_16_bits(data)
    return np.ascontiguousarray(planes[..., (2, 1, 0, 3)[index]])


def _decode_16_bits(data: bytes) -> np.ndarray:
    # Pillow keeps only the upper 8 bits of colours of 16.
    return mmcv.imfrombytes(data, 'unchanged', backend='cv2')
