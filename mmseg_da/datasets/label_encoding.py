"""How label files encode classes.

A :class:`LabelEncoding` says which class an id or a colour of a label file
stands for. It holds no arrays, so that it can travel with each sample; the
look-up tables are built once per process.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from mmseg_da.errors import LabelValueError

IGNORE_INDEX = 255
# Marks what a table does not know. It is no class, and not the void.
UNKNOWN = 254
MAX_CLASSES = 254
Pairs = tuple[tuple[int, int], ...]
CHANNELS = ('red', 'green', 'blue', 'alpha')


def pack(colour: Sequence[int]) -> int:
    """Turn (red, green, blue) into one number of 24 bits."""
    red, green, blue = colour
    return red << 16 | green << 8 | blue


def unpack(colour: int) -> tuple[int, int, int]:
    """Turn a number of 24 bits into (red, green, blue)."""
    return colour >> 16, colour >> 8 & 255, colour & 255


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


@lru_cache(maxsize=16)
def id_table(encoding: LabelEncoding, size: int) -> np.ndarray:
    """Build the table ``(size,)`` from ids of 8 or 16 bits to classes."""
    table = np.full(size, UNKNOWN, np.uint8)
    for label_id, index in encoding.ids:
        if label_id < size:
            table[label_id] = index
    return table


@lru_cache(maxsize=2)
def colour_table(colours: Pairs) -> np.ndarray:
    """Build the table from colours of 24 bits to classes (16 MiB)."""
    table = np.full(1 << 24, UNKNOWN, np.uint8)
    for colour, index in colours:
        table[colour] = index
    return table


@dataclass(frozen=True, eq=False)
class _Palette:
    """What the 256 entries of a palette say beside an encoding's ids."""

    colours: np.ndarray
    by_id: np.ndarray
    by_colour: np.ndarray
    contradicts: np.ndarray
    agrees: np.ndarray


@lru_cache(maxsize=64)
def _read_palette(palette: bytes, encoding: LabelEncoding) -> _Palette:
    colours = dict(encoding.class_colours or encoding.colours)
    entries = [pack(palette[i : i + 3]) for i in range(0, len(palette), 3)]
    packed = np.zeros(256, np.uint32)
    packed[: len(entries)] = entries
    by_colour = np.full(256, UNKNOWN, np.uint8)
    by_colour[: len(entries)] = [colours.get(c, UNKNOWN) for c in entries]
    by_id = id_table(encoding, 256)
    # The void's colours, black above all, say nothing about an id.
    is_class = by_colour < MAX_CLASSES
    agrees = is_class & (by_colour == by_id)
    for label_id, colour in encoding.shared_colours:
        if label_id < len(entries) and entries[label_id] == colour:
            is_class[label_id] = False
    return _Palette(packed, by_id, by_colour, is_class & ~agrees, agrees)


def decode_ids(
    array: np.ndarray, path: str, encoding: LabelEncoding
) -> np.ndarray:
    """Turn ids, uint8 or uint16 ``(H, W)``, into classes and 255 (void).

    ``path`` is the file they come from, for the message. Classes are uint8.

    Raises:
        LabelValueError: An id is not in the encoding.
    """
    table = id_table(encoding, 256 if array.dtype == np.uint8 else 65536)
    return _look_up(array, table, path, encoding.expected)


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
    read = _read_palette(palette, encoding)
    if not encoding.ids:
        decoded = cv2.LUT(indices, read.by_colour)
        unknown = decoded == UNKNOWN
        if unknown.any():
            _raise_unknown_colours(
                read.colours[indices[unknown]], path, encoding
            )
        return decoded, True
    contradicts, agrees = read.contradicts, read.agrees
    if contradicts.any():
        used = np.bincount(indices.ravel(), minlength=256) > 0
        contradicts, agrees = used & contradicts, used & agrees
    if not contradicts.any():
        decoded = _look_up(indices, read.by_id, path, encoding.expected)
        return decoded, bool(agrees.any())
    if (
        not encoding.is_declared
        and not agrees.any()
        and (read.by_colour[used] != UNKNOWN).all()
    ):
        return cv2.LUT(indices, read.by_colour), True
    index = int(np.flatnonzero(contradicts)[0])
    raise LabelValueError(
        f'The palette of {path} contradicts its ids: id {index} is '
        f'{_class_text(read.by_id[index])}, but its colour '
        f'{tuple(palette[3 * index : 3 * index + 3])} is the one of '
        f'{_class_text(read.by_colour[index])}; set label_encoding to what '
        "the ids mean, or to 'colours' to read the colours."
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
    decoded = colour_table(encoding.colours).take(packed)
    unknown = decoded == UNKNOWN
    if unknown.any():
        _raise_unknown_colours(packed[unknown], path, encoding)
    return decoded


def fits_train_ids(array: np.ndarray, num_classes: int = 19) -> bool:
    """Tell whether all values, of uint8, could be train ids, or are 255."""
    counts = cv2.calcHist([array], [0], None, [256], [0, 256]).ravel()
    return not counts[num_classes:IGNORE_INDEX].any()


def _look_up(
    array: np.ndarray, table: np.ndarray, path: str, expected: str
) -> np.ndarray:
    is_byte = array.dtype == np.uint8
    decoded = cv2.LUT(array, table) if is_byte else table.take(array)
    unknown = decoded == UNKNOWN
    if unknown.any():
        values, pixels = np.unique(array[unknown], return_counts=True)
        raise LabelValueError(
            f'{path} holds the unknown label value(s) '
            f'{_count_text(map(str, values), pixels)}, but {expected}.'
        )
    return decoded


def _raise_unknown_colours(
    packed: np.ndarray, path: str, encoding: LabelEncoding
) -> None:
    values, pixels = np.unique(packed, return_counts=True)
    names = (str(unpack(colour)) for colour in values.tolist())
    raise LabelValueError(
        f'{path} holds the unknown label colour(s) '
        f'{_count_text(names, pixels)}, but {encoding.expected_colours}.'
    )


def _count_text(names: Iterable[str], pixels: np.ndarray) -> str:
    texts = [
        f'{name} ({count} pixel{"s" if count > 1 else ""})'
        for name, count in zip(names, pixels.tolist())
    ]
    return ', '.join(texts[:5]) + (', ...' if len(texts) > 5 else '')


def _class_text(index: int) -> str:
    if index == IGNORE_INDEX:
        return 'void'
    return 'unknown' if index == UNKNOWN else f'class {index}'
