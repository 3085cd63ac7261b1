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
    MAX_CLASSES,
    LabelEncoding,
    Pairs,
    pack,
)
from mmseg_da.datasets.listing import expand_path
from mmseg_da.errors import InputError, wrong_value

# The Cityscapes label id of each of the 19 train ids, road to bicycle.
TRAIN_TO_LABEL_ID = (
    *(7, 8, 11, 12, 13, 17, 19, 20, 21, 22),
    *(23, 24, 25, 26, 27, 28, 31, 32, 33),
)
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
_VOID_LABEL_IDS = {*range(35), 255} - set(TRAIN_TO_LABEL_ID)

COLOURS = LabelEncoding(
    expected='label_encoding says that the files hold colours',
    expected_colours="an RGB label uses Cityscapes' colours only",
    colours=(
        *((pack(colour), IGNORE_INDEX) for colour in VOID_COLOURS),
        *((pack(c), i) for i, c in enumerate(_CITYSCAPES['palette'])),
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
# Where nothing says what the files hold. The colours of a palette may tell.
UNCLEAR = replace(LABEL_IDS, is_declared=False, is_unclear=True)


def build_named(
    name: str, classes: Sequence[str], palette: Sequence[Sequence[int]] = ()
) -> LabelEncoding:
    """Build the encoding 'label_ids', 'train_ids' or 'colours'.

    Raises:
        InputError: The classes, or the palette's colours, do not allow for it.
    """
    if tuple(classes) == tuple(_CITYSCAPES['classes']):
        return NAMED[name]
    if name == 'label_ids':
        raise InputError(
            "label_encoding is 'label_ids', which stand for Cityscapes' "
            f'classes, but the data set has {len(classes)} others: give a '
            'dict with ids.'
        )
    colours = _class_colours(palette)
    if name == 'colours':
        if len(colours) < len(classes):
            raise InputError(
                "label_encoding is 'colours', but metainfo.palette does not "
                f'give each of the {len(classes)} classes a colour of its '
                'own: complete it, or give a dict with colours.'
            )
        # Black is the void unless it is a class.
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


def _class_colours(palette: Sequence[Sequence[int]]) -> Pairs:
    """Pairs of a colour and the class that alone has it."""
    colours = [pack(colour) for colour in palette]
    return tuple(
        (colour, index)
        for index, colour in enumerate(colours)
        if colours.count(colour) == 1
    )


def guess_encoding(
    suffix: str,
    classes: Sequence[str] = _CITYSCAPES['classes'],
    palette: Sequence[Sequence[int]] = (),
) -> LabelEncoding | None:
    """Guess train ids or label ids from what the names of labels end in.

    None where the suffix says neither, in any spelling.
    """
    letters = ''.join(c for c in suffix.lower() if c.isalpha())
    for part, name in (('trainid', 'train_ids'), ('labelid', 'label_ids')):
        if part in letters:
            guess = build_named(name, classes, palette)
            return replace(guess, is_declared=False)
    return None


def build_encoding(
    spec: str | Mapping,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]] = (),
) -> LabelEncoding:
    """Build the encoding that a config declares, for these classes.

    :class:`mmseg_da.FolderDataset` says what a declaration looks like.

    Raises:
        InputError: The declaration cannot be read, names a class that does
            not exist, or maps an id or a colour twice.
    """
    where = 'label_encoding'
    if isinstance(spec, str) and spec in NAMED:
        return build_named(spec, classes, palette)
    if isinstance(spec, str) and spec.lower().endswith('.json'):
        where, spec = spec, _read_json(spec)
    keys = {'ids', 'colours', 'channel'}
    if not isinstance(spec, Mapping) or not set(spec) <= keys:
        wanted = (
            f'one of {", ".join(NAMED)}, the name of a JSON file, or a dict '
            'with the keys ids or colours, and channel'
        )
        raise wrong_value(where, spec, wanted)
    given = {key: spec[key] for key in keys if spec.get(key) is not None}
    kinds = set(given) - {'channel'}
    if len(kinds) != 1:
        raise InputError(
            f'{where} has the keys {", ".join(sorted(given)) or "(none)"}, '
            'but it needs either ids or colours.'
        )
    (kind,), channel = kinds, given.get('channel')
    if channel is not None and (kind == 'colours' or channel not in CHANNELS):
        wanted = f'one of {", ".join(CHANNELS)}, for ids'
        raise wrong_value(f'{where}.channel', channel, wanted)
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
        class_colours=_class_colours(palette),
    )


def _read_json(path: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict:
        found = {}
        for name, value in pairs:
            if name in found:
                raise InputError(
                    f'{path} has the key {name!r} twice: keep one.'
                )
            found[name] = value
        return found

    try:
        text = Path(expand_path(path)).read_text(encoding='utf-8-sig')
        return json.loads(text, object_pairs_hook=unique)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f'label_encoding names {path}, which cannot be read as JSON '
            f'({type(error).__name__}: {error}).'
        ) from error


def _read_pairs(
    mapping: Any, kind: str, where: str, classes: list[str]
) -> Pairs:
    read, one, wanted = _read_id, 'id', 'an id from 0 to 65535'
    if kind == 'colours':
        read, one = _read_colour, 'colour'
        wanted = "a colour such as (128, 64, 128) or '#804080'"
    if not isinstance(mapping, Mapping) or not mapping:
        raise wrong_value(
            where, mapping, f'a dict with a class for each {one}'
        )
    pairs: dict[int, int] = {}
    for key, name in mapping.items():
        number = read(key)
        if number is None:
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
    try:
        if isinstance(key, str) and key.startswith('#') and len(key) == 7:
            key = bytes.fromhex(key[1:])
        key = key.split(',') if isinstance(key, str) else key
        values = [int(value) for value in key]
    except (TypeError, ValueError):
        return None
    is_colour = len(values) == 3 and all(0 <= v < 256 for v in values)
    return pack(values) if is_colour else None


def check_classes(meta: Mapping) -> dict:
    """Copy a config's ``classes`` and, if it is given, ``palette``.

    Raises:
        InputError: They are no list of different names, or there is not one
            colour for each.
    """
    classes = meta.get('classes')
    if (
        not isinstance(classes, (list, tuple))
        or not 0 < len(classes) <= MAX_CLASSES
        or len(set(classes)) < len(classes)
    ):
        wanted = f'a list of 1 to {MAX_CLASSES} different names'
        raise wrong_value('metainfo.classes', classes, wanted)
    palette = meta.get('palette')
    if palette and len(palette) != len(classes):
        raise InputError(
            f'metainfo.palette has {len(palette)} colours for {len(classes)} '
            'classes: give one for each.'
        )
    return dict(meta)
