"""How label files encode classes, and from their bytes to classes.

A :class:`LabelEncoding` says which class an id or a colour of a label file
stands for. It holds no arrays, so that it can travel with each sample; the
look-up tables are built once per process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import mmcv
import numpy as np
from PIL import Image

from mmseg_da.errors import LabelValueError, UnreadableFileError

IGNORE_INDEX = 255
# Marks what a table does not know. It is no class, and not the void.
UNKNOWN = 254
MAX_CLASSES = 254
Pairs = tuple[tuple[int, int], ...]
CHANNELS = ('red', 'green', 'blue', 'alpha')
# Colour types in a PNG's header.
GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6
_KINDS = {GREY: 'grey', RGB: 'RGB', PALETTE: 'a palette file', RGBA: 'RGBA'}


def pack(colour: Sequence[int]) -> int:
    """Turn (red, green, blue) into one number of 24 bits."""
    red, green, blue = colour
    return red << 16 | green << 8 | blue


@dataclass(frozen=True)
class LabelEncoding:
    """Which class the ids and the colours of label files stand for.

    Classes are numbers from 0 to 253; 255 is ignored in training and in
    evaluation.

    Colours are numbers of 24 bits, see :func:`pack`.
    """

    #: Which values a file may hold, for messages, and which colours.
    expected: str
    expected_colours: str = ''
    #: Pairs of an id and its class. Empty if the files hold colours.
    ids: Pairs = ()
    #: Pairs of a colour and its class. Empty if the files hold ids.
    colours: Pairs = ()
    #: Which of CHANNELS holds the ids of an RGB(A) file; None: the file is
    #: grey, or has a palette.
    channel: str | None = None
    #: Pairs of a colour and its class that contradict a palette file whose
    #: id of that colour is another class's.
    class_colours: Pairs = ()
    #: Pairs of an id and another class's colour that belong together.
    shared_colours: Pairs = ()
    #: Whether the config names the encoding. Otherwise the colours of a
    #: palette may overrule it.
    is_declared: bool = True
    #: Whether a file of low ids could also hold train ids.
    is_unclear: bool = False


@lru_cache(maxsize=8)
def class_table(pairs: Pairs, bits: int) -> np.ndarray:
    """Build the table from ids, or colours of 24 bits (16 MiB), to classes."""
    table = np.full(1 << bits, UNKNOWN, np.uint8)
    for value, index in pairs:
        table[value] = index
    return table


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
    if kind == GREY or encoding.channel is not None:
        ids, is_sure = _read_ids(data, image, path, encoding), False
        classes = decode_ids(ids, path, encoding)
    elif kind == PALETTE:
        ids, palette = np.asarray(image), bytes(image.getpalette('RGB'))
        classes, is_sure = decode_palette(ids, palette, path, encoding)
    elif not encoding.colours:
        raise UnreadableFileError(
            f'The label file {path} holds colours, but label_encoding says '
            'that it holds ids: say which channel has them '
            "(channel='red'), or give a dict with colours."
        )
    elif bits == 16:
        raise UnreadableFileError(
            f'The label file {path} has 16 bits per value, but colours have '
            '8; if one channel holds ids, give label_encoding a dict with '
            'ids and channel.'
        )
    else:
        colours = np.asarray(image.convert('RGB'))
        return decode_colours(colours, path, encoding), False
    if is_sure or not encoding.is_unclear:
        return classes, False
    counts = cv2.calcHist([ids], [0], None, [256], [0, 256]).ravel()
    return classes, not counts[19:IGNORE_INDEX].any()


def unclear_label(path: str) -> str:
    """Say that a label file fits two encodings."""
    return (
        f'The label file {path} fits both label ids and train ids, and '
        'neither its name nor its colours tell which: it is read as label '
        "ids; set label_encoding of the data set to 'label_ids' or "
        "'train_ids'."
    )


def _read_ids(
    data: bytes, image: Image.Image, path: str, encoding: LabelEncoding
) -> np.ndarray:
    """Read the ids of a grey file, or of the channel that holds them."""
    bits, kind, channel = data[24], data[25], encoding.channel
    if channel is not None:
        index = CHANNELS.index(channel)
        if index >= {RGB: 3, RGBA: 4}.get(kind, 0):
            raise UnreadableFileError(
                f'The label file {path} has no {channel} channel, which '
                f'label_encoding.channel names: it is {_KINDS[kind]}.'
            )
    elif bits < 8:
        raise UnreadableFileError(
            f'The label file {path} is grey with {bits} bits per pixel, '
            'which decoders scale to other ids: save it with 8 bits.'
        )
    elif not encoding.ids:
        raise UnreadableFileError(
            f'The label file {path} is grey, but {encoding.expected}: set '
            'label_encoding to what its ids mean.'
        )
    if bits == 8:
        return np.asarray(image.getchannel(index) if channel else image)
    # Pillow keeps only the upper 8 bits of colours of 16.
    planes = mmcv.imfrombytes(data, 'unchanged', backend='cv2')
    if channel is None:
        return planes
    # OpenCV's order is blue, green, red, alpha.
    return np.ascontiguousarray(planes[..., (2, 1, 0, 3)[index]])


def decode_ids(
    array: np.ndarray, path: str, encoding: LabelEncoding
) -> np.ndarray:
    """Turn ids, uint8 or uint16 ``(H, W)``, into classes and 255 (void).

    ``path`` is the file they come from, for the message. Classes are uint8.

    Raises:
        LabelValueError: An id is not in the encoding.
    """
    table = class_table(encoding.ids, 16)
    if array.dtype == np.uint8:
        decoded = cv2.LUT(array, table[:256])
    else:
        decoded = table.take(array)
    unknown = decoded == UNKNOWN
    if unknown.any():
        raise _unknown(array[unknown], path, encoding)
    return decoded


def decode_palette(
    indices: np.ndarray, palette: bytes, path: str, encoding: LabelEncoding
) -> tuple[np.ndarray, bool]:
    """Turn the indices ``(H, W)`` of a palette file into classes.

    Indices are ids, as long as no colour of the palette (red, green and blue
    of up to 256 entries) belongs to another class than its id. Where all
    colours in use contradict the ids, the colours count, unless the config
    declares the encoding.

    Returns:
        tuple[np.ndarray, bool]: Classes, and whether the colours confirm them.

    Raises:
        LabelValueError: An index or a colour is not in the encoding, or
            colours and ids contradict each other.
    """
    colours = [pack(palette[i : i + 3]) for i in range(0, len(palette), 3)]
    known = dict(encoding.class_colours or encoding.colours)
    by_colour = np.full(256, UNKNOWN, np.uint8)
    by_colour[: len(colours)] = [known.get(c, UNKNOWN) for c in colours]
    if not encoding.ids:
        decoded = cv2.LUT(indices, by_colour)
        unknown = decoded == UNKNOWN
        if unknown.any():
            packed = np.array((colours + [0] * 256)[:256])
            raise _unknown(packed[indices[unknown]], path, encoding, True)
        return decoded, True
    by_id = class_table(encoding.ids, 16)[:256]
    # The void's colours, black above all, say nothing about an id.
    is_class = by_colour < MAX_CLASSES
    agrees = is_class & (by_colour == by_id)
    contradicts = is_class & ~agrees
    for label_id, colour in encoding.shared_colours:
        if colours[label_id : label_id + 1] == [colour]:
            contradicts[label_id] = False
    if contradicts.any():
        used = np.bincount(indices.ravel(), minlength=256) > 0
        contradicts &= used
        agrees &= used
    if not contradicts.any():
        return decode_ids(indices, path, encoding), bool(agrees.any())
    if (
        not encoding.is_declared
        and not agrees.any()
        and (by_colour[used] != UNKNOWN).all()
    ):
        return cv2.LUT(indices, by_colour), True
    index = int(np.flatnonzero(contradicts)[0])
    raise LabelValueError(
        f'The palette of {path} contradicts its ids: id {index} is '
        f'{_class_text(by_id[index])}, but its colour '
        f'{tuple(palette[3 * index : 3 * index + 3])} is the one of '
        f'{_class_text(by_colour[index])}; set label_encoding to what '
        "the ids mean, or to 'colours' to read the colours; if the ids are "
        'right, save the labels without a palette.'
    )


def decode_colours(
    array: np.ndarray, path: str, encoding: LabelEncoding
) -> np.ndarray:
    """Turn colours, RGB of uint8 ``(H, W, 3)``, into classes.

    See :func:`decode_ids`.
    """
    # As B, G, R, A bytes a pixel reads as one little-endian 32-bit number.
    packed = cv2.cvtColor(array, cv2.COLOR_RGB2BGRA).view('<u4')[..., 0]
    packed &= 0xFFFFFF
    decoded = class_table(encoding.colours, 24).take(packed)
    unknown = decoded == UNKNOWN
    if unknown.any():
        raise _unknown(packed[unknown], path, encoding, True)
    return decoded


def _unknown(
    values: np.ndarray,
    path: str,
    encoding: LabelEncoding,
    are_colours: bool = False,
) -> LabelValueError:
    names, pixels = np.unique(values, return_counts=True)
    names = names.tolist()
    if are_colours:
        names = [(c >> 16, c >> 8 & 255, c & 255) for c in names]
    texts = [
        f'{name} ({count} pixel{"s" if count > 1 else ""})'
        for name, count in zip(names, pixels.tolist())
    ]
    shown = ', '.join(texts[:5]) + ', ...' * (len(texts) > 5)
    finding = f'{path} holds the unknown label value(s) {shown}, but '
    expected = encoding.expected
    if are_colours:
        finding = f'{path} holds the unknown label colour(s) {shown}, but '
        expected = encoding.expected_colours
    return LabelValueError(f'{finding}{expected}.')


def _class_text(index: int) -> str:
    if index == IGNORE_INDEX:
        return 'void'
    return 'unknown' if index == UNKNOWN else f'class {index}'
