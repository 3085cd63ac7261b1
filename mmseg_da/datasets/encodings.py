"""The label encodings that a config can name or declare."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmseg.datasets import CityscapesDataset

from mmseg_da.datasets.label_encoding import (
    CHANNELS,
    IGNORE_INDEX,
    LabelEncoding,
    pack,
)
from mmseg_da.errors import InputError

# The Cityscapes label id of each of the 19 train ids, road to bicycle.
TRAIN_TO_LABEL_ID = (
    *(7, 8, 11, 12, 13, 17, 19, 20, 21, 22),
    *(23, 24, 25, 26, 27, 28, 31, 32, 33),
)
NUM_LABEL_IDS = 35
# Colours of what is not evaluated: unlabeled and its like, dynamic, ground,
# parking, rail track, guard rail, bridge, tunnel, caravan, trailer; and
# GTA5's own grey for static. Two labels share an evaluated class's colour
# and so count as that class in files of colours: polegroup (pole), licence
# plate (car).
VOID_COLOURS = (
    *((0, 0, 0), (20, 20, 20), (111, 74, 0), (81, 0, 81)),
    *((250, 170, 160), (230, 150, 140), (180, 165, 180), (150, 100, 100)),
    *((150, 120, 90), (0, 0, 90), (0, 0, 110)),
)
_CITYSCAPES = CityscapesDataset.METAINFO
_PALETTE = _CITYSCAPES['palette']
_VOID_LABEL_IDS = {*range(NUM_LABEL_IDS), 255} - set(TRAIN_TO_LABEL_ID)

COLOURS = LabelEncoding(
    expected='label_encoding says that the files hold colours',
    expected_colours="an RGB label uses Cityscapes' colours only",
    colours=(
        *((pack(colour), IGNORE_INDEX) for colour in VOID_COLOURS),
        *((pack(colour), i) for i, colour in enumerate(_PALETTE)),
    ),
)
LABEL_IDS = replace(
    COLOURS,
    expected=(
        'label ids are 0 to 34 and 255 (for files of train ids set '
        "label_encoding='train_ids')"
    ),
    ids=(
        *((label_id, i) for i, label_id in enumerate(TRAIN_TO_LABEL_ID)),
        # 255: the licence plate's -1 stored in 8 bits.
        *((label_id, IGNORE_INDEX) for label_id in sorted(_VOID_LABEL_IDS)),
    ),
    # Polegroup has the colour of pole, the licence plate that of car.
    shared_colours=(
        (18, pack((153, 153, 153))),
        *((label_id, pack((0, 0, 142))) for label_id in (34, 255)),
    ),
)
TRAIN_IDS = replace(
    COLOURS,
    expected='train ids are 0 to 18 and 255',
    ids=(*((i, i) for i in range(19)), (IGNORE_INDEX, IGNORE_INDEX)),
)
NAMED = {'label_ids': LABEL_IDS, 'train_ids': TRAIN_IDS, 'colours': COLOURS}
# Encodings that no config names: a palette's colours may overrule them.
_GUESSED = {
    name: replace(encoding, is_declared=False)
    for name, encoding in NAMED.items()
}
_UNCLEAR = replace(_GUESSED['label_ids'], is_unclear=True)


def guess_encoding(suffix: str) -> LabelEncoding:
    """Guess the encoding of Cityscapes-like labels by their file names.

    Args:
        suffix (str): What the names of the label files end in.

    Returns:
        LabelEncoding: Train ids or label ids where the suffix says so.
        Otherwise label ids, marked as unclear.
    """
    letters = ''.join(c for c in suffix.lower() if c.isalpha())
    if 'trainid' in letters:
        return _GUESSED['train_ids']
    return _GUESSED['label_ids'] if 'labelid' in letters else _UNCLEAR


def get_encoding(spec: str | LabelEncoding | None) -> LabelEncoding:
    """Get a sample's encoding: one by name, or one that was built before.

    Args:
        spec (str | LabelEncoding, optional): A name of ``NAMED``, an
            encoding, or None for an unclear one.

    Returns:
        LabelEncoding: The encoding.
    """
    if isinstance(spec, LabelEncoding):
        return spec
    return _UNCLEAR if spec is None else NAMED[spec]


def build_encoding(
    spec: str | Mapping,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]] | None = None,
) -> LabelEncoding:
    """Build the encoding that a config declares.

    Args:
        spec (str | Mapping): 'label_ids', 'train_ids', 'colours', a JSON
            file, or a dict with ``ids`` (id to class) or ``colours`` (colour
            to class), and with ``ids`` a ``channel`` of RGB(A) files. A
            class is a name or a number; 255 is ignored.
        classes (Sequence[str]): Names of the classes.
        palette (Sequence[Sequence[int]], optional): Their colours. Defaults
            to None.

    Returns:
        LabelEncoding: The encoding.

    Raises:
        InputError: The declaration cannot be read, names a class that does
            not exist, or maps an id or a colour twice.
    """
    where = 'label_encoding'
    if isinstance(spec, str) and spec.lower().endswith('.json'):
        where, spec = spec, _read_json(spec)
    if isinstance(spec, str):
        return _build_named(spec, classes, palette)
    keys = {'ids', 'colours', 'channel'}
    if not isinstance(spec, Mapping) or not set(spec) <= keys:
        raise InputError(
            f'{where} is {spec!r}, but it must be one of {", ".join(NAMED)}, '
            'the name of a JSON file, or a dict with the keys ids or '
            'colours, and channel.'
        )
    given = {key: spec[key] for key in keys if spec.get(key) is not None}
    kind = next((key for key in ('ids', 'colours') if key in given), None)
    if kind is None or {'ids', 'colours'} <= set(given):
        raise InputError(
            f'{where} has the keys {", ".join(sorted(given)) or "(none)"}, '
            'but it needs either ids or colours.'
        )
    channel = given.get('channel')
    if channel is not None and (kind == 'colours' or channel not in CHANNELS):
        raise InputError(
            f'{where}.channel is {channel!r}, but it must be one of '
            f'{", ".join(CHANNELS)}, for ids.'
        )
    where = f'{where}.{kind}'
    pairs = _read_pairs(given[kind], kind, where, list(classes))
    if kind == 'colours':
        return LabelEncoding(
            expected=f'{where} says that the files hold colours',
            expected_colours=f'{where} names {len(pairs)} other colours: add '
            f'it to {where} (255 ignores it)',
            colours=pairs,
        )
    shown = ', '.join(str(label_id) for label_id, _ in pairs[:30])
    return LabelEncoding(
        expected=f'{where} names {shown}{", ..." * (len(pairs) > 30)}: add it '
        'there with its class (255 ignores it)',
        ids=pairs,
        channel=channel,
        class_colours=_palette_pairs(palette),
    )


def _build_named(
    name: str, classes: Sequence[str], palette: Sequence | None
) -> LabelEncoding:
    if name not in NAMED:
        raise InputError(
            f'label_encoding is {name!r}, but it must be one of '
            f'{", ".join(NAMED)}, the name of a JSON file, or a dict with the '
            'keys ids or colours, and channel.'
        )
    if tuple(classes) == tuple(_CITYSCAPES['classes']):
        return NAMED[name]
    if name == 'label_ids':
        raise InputError(
            "label_encoding is 'label_ids', which has Cityscapes' 19 classes, "
            f'but the data set has {len(classes)} other classes: give a dict '
            'with ids.'
        )
    colours = _palette_pairs(palette)
    if name == 'colours':
        if not colours:
            raise InputError(
                "label_encoding is 'colours', but the data set has no "
                'palette: set metainfo.palette, or give a dict with colours.'
            )
        colours = (*{0: IGNORE_INDEX, **dict(colours)}.items(),)
        return LabelEncoding(
            expected=COLOURS.expected,
            expected_colours='labels have the colours of metainfo.palette',
            colours=colours,
        )
    last = len(classes) - 1
    return LabelEncoding(
        expected=f'train ids are 0 to {last} and 255',
        ids=(*((i, i) for i in range(last + 1)), (IGNORE_INDEX, IGNORE_INDEX)),
        class_colours=colours,
    )


def _palette_pairs(palette: Sequence | None) -> tuple[tuple[int, int], ...]:
    return tuple((pack(colour), i) for i, colour in enumerate(palette or ()))


def _read_json(path: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f'{path} has the key {name!r} twice: keep one.'
                )
        return dict(pairs)

    try:
        text = Path(path).expanduser().read_text(encoding='utf-8-sig')
        return json.loads(text, object_pairs_hook=unique)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f'label_encoding names {path}, which cannot be read as JSON '
            f'({type(error).__name__}: {error}).'
        ) from error


def _read_pairs(
    mapping: Any, kind: str, where: str, classes: list[str]
) -> tuple[tuple[int, int], ...]:
    if not isinstance(mapping, Mapping) or not mapping:
        raise InputError(
            f'{where} is {mapping!r}, but it must be a dict with a class for '
            f'each {"id" if kind == "ids" else "colour"}.'
        )
    read = _read_id if kind == 'ids' else _read_colour
    pairs: dict[int, int] = {}
    for key, name in mapping.items():
        number = read(key)
        if number is None:
            wanted = 'an id from 0 to 65535'
            if kind == 'colours':
                wanted = "a colour such as (128, 64, 128) or '#804080'"
            raise InputError(
                f'{where} has the key {key!r}, but it must be {wanted}.'
            )
        index = classes.index(name) if name in classes else name
        if index != IGNORE_INDEX and not (
            isinstance(index, int) and 0 <= index < len(classes)
        ):
            raise InputError(
                f'{where} maps {key} to the class {name!r}, which does not '
                f'exist: the classes are {", ".join(classes)} (0 to '
                f'{len(classes) - 1}), and 255 is ignored.'
            )
        if number in pairs:
            raise InputError(f'{where} maps {key} twice: keep one class.')
        pairs[number] = index
    return tuple(sorted(pairs.items()))


def _read_id(key: Any) -> int | None:
    if isinstance(key, str) and key.strip().isdecimal():
        key = int(key)
    is_id = isinstance(key, int) and 0 <= key < 65536
    return key if is_id else None


def _read_colour(key: Any) -> int | None:
    if isinstance(key, str) and key.startswith('#') and len(key) == 7:
        key = [key[i : i + 2] for i in (1, 3, 5)]
        base = 16
    else:
        key = key.split(',') if isinstance(key, str) else key
        base = 10
    try:
        values = [int(v, base) if isinstance(v, str) else int(v) for v in key]
    except (TypeError, ValueError):
        return None
    is_colour = len(values) == 3 and all(0 <= v < 256 for v in values)
    return pack(values) if is_colour else None
