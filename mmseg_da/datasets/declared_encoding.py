"""Label encodings that a config or a JSON file declares."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg_da.datasets.encodings import NAMED, build_named, class_colours
from mmseg_da.datasets.label_encoding import (
    CHANNELS,
    IGNORE_INDEX,
    MAX_CLASSES,
    LabelEncoding,
    pack,
)
from mmseg_da.datasets.listing import expand_path
from mmseg_da.errors import InputError


def build_encoding(
    spec: str | Mapping,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]] | None = None,
) -> LabelEncoding:
    """Build the encoding that a config declares, for these classes.

    :class:`mmseg_da.FolderDataset` says what a declaration looks like.

    Raises:
        InputError: The declaration cannot be read, names a class that does
            not exist, or maps an id or a colour twice.
    """
    where = 'label_encoding'
    if isinstance(spec, str) and spec in NAMED:
        return build_named(spec, classes, palette or ())
    if isinstance(spec, str) and spec.lower().endswith('.json'):
        where, spec = spec, _read_json(spec)
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
        class_colours=class_colours(palette),
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
        raise InputError(
            f'metainfo.classes is {classes!r}, but it must be a list of 1 to '
            f'{MAX_CLASSES} different names.'
        )
    palette = meta.get('palette')
    if palette and len(palette) != len(classes):
        raise InputError(
            f'metainfo.palette has {len(palette)} colours for {len(classes)} '
            'classes: give one for each.'
        )
    return dict(meta)
