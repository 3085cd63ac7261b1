"""Copies of data sets at the size that their config resizes them to."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mmseg_da.datasets.listing import walk_files
from mmseg_da.errors import InputError

MANIFEST = 'resized.json'
TOOL = 'tools/dataset_converters/resize_dataset.py'


def check_resized(
    root: str | None,
    img_scale: tuple[int, int] | None,
    classes: Sequence[str] = (),
) -> None:
    """Check that a data set's root, if a copy, is whole, fits and is new.

    A folder that is no copy is not looked at. A source that is not there (on
    another machine) cannot be compared.

    Raises:
        InputError: The copy is incomplete, of another size, of other
            classes, or older than its source.
    """
    manifest = read_manifest(root)
    if not manifest:
        return
    scale = tuple(manifest['img_scale'])
    if 'copies' not in manifest:
        raise InputError(
            f'The resized copy in {root} is incomplete: run {TOOL} again, or '
            'delete it first if an earlier version of the tool made it.'
        )
    if img_scale is not None and tuple(img_scale) != scale:
        raise InputError(
            f'{root} holds a copy resized to {scale[0]}x{scale[1]}, but the '
            f'img_scale is {tuple(img_scale)}: use the original data, or '
            f'make a copy of this size with {TOOL}.'
        )
    if classes and manifest['classes'] not in (None, list(classes)):
        raise InputError(
            f'{root} holds a copy whose labels are of other classes than the '
            f"config's: make a new one with {TOOL}."
        )
    if gone := sorted({*manifest['copies']}.difference(walk_files(root))):
        raise InputError(
            f'The resized copy in {root} lacks {gone[0]} ({len(gone)} files '
            f'are missing): run {TOOL} again.'
        )
    source, files = Path(manifest['source']), manifest['files']
    if not source.is_dir():
        return
    found = read_stamps(source, files)
    if changed := [name for name in files if found[name] != files[name]]:
        raise InputError(
            f'{root} was resized from {source}, where {changed[0]} has '
            f'changed since ({len(changed)} of {len(found)} files): run '
            f'{TOOL} again.'
        )


def read_manifest(root: str | Path | None) -> dict:
    """Read what a copy says of itself; nothing if the folder is no copy."""
    if not root:
        return {}
    path = Path(root, MANIFEST)
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except ValueError as error:
        raise InputError(
            f'{path} is damaged ({error}): delete it and run {TOOL} again.'
        ) from error


def read_stamps(root: Path, names) -> dict[str, list[int] | None]:
    """Get the size and the time of change of files; None if missing."""
    stamps = dict.fromkeys(names)
    for name in stamps:
        with suppress(FileNotFoundError):
            status = (root / name).stat()
            stamps[name] = [status.st_size, status.st_mtime_ns]
    return stamps
