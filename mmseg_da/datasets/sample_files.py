"""Which images, and labels, a data set finds."""

import mmengine
import mmengine.fileio as fileio

from mmseg_da.datasets.listing import (
    IMAGE_SUFFIXES,
    find_files,
    folder_of,
    shorten,
    strip_suffix,
)
from mmseg_da.errors import InputError


def find_images(
    path: str,
    suffix: str | None,
    ann_file: str,
    backend_args: dict | None,
    advice: str,
) -> dict[str, str]:
    """Find a data set's images by their names, in the order of the names.

    Args:
        path (str): Their folder or pattern (see :func:`find_files`).
        suffix (str, optional): What their names end in; None for any usual
            image format.
        ann_file (str): A list of the names to keep; empty for all.
        backend_args (dict, optional): A file backend of mmengine.
        advice (str): What to do when there are none, for the message.

    Raises:
        InputError: Folder, images or list are not there.
    """
    folder = folder_of(path)
    if not fileio.isdir(folder, backend_args=backend_args):
        raise InputError(
            f"The data set looked for images in '{folder}', which is not a "
            f'folder: {advice}.'
        )
    files = find_files(path, suffix or IMAGE_SUFFIXES, backend_args)
    wanted = '*' + (suffix or f'({"|".join(IMAGE_SUFFIXES)})')
    if not files:
        raise InputError(
            f"The data set found no file '{wanted}' in '{path}' or its "
            'subfolders: check the layout (data_prefix.img_path) and '
            f'img_suffix, or {advice}.'
        )
    names = sorted(files)
    if ann_file:
        names = sorted(_read_names(ann_file, suffix, backend_args))
        missing = set(names) - set(files)
        if missing:
            raise InputError(
                f"ann_file '{ann_file}' names {shorten(missing)}, but "
                f"'{path}' has no such '{wanted}'."
            )
    return {name: files[name] for name in names}


def find_labels(
    path: str, suffix: str | None, backend_args: dict | None
) -> dict[str, str]:
    """Find a data set's labels by their names.

    Without a suffix they end in '.png', in any case.

    Raises:
        InputError: The folder is not there.
    """
    folder = folder_of(path)
    if not fileio.isdir(folder, backend_args=backend_args):
        raise InputError(
            f"The data set looked for labels in '{folder}', which is not a "
            'folder: check data_root and data_prefix.seg_map_path (None for '
            'images without labels).'
        )
    return find_files(path, suffix or ('.png',), backend_args)


def _read_names(
    ann_file: str, suffix: str | None, backend_args: dict | None
) -> list[str]:
    try:
        lines = mmengine.list_from_file(
            ann_file,
            # Some editors begin a file with a byte-order mark.
            encoding='utf-8-sig',
            backend_args=backend_args,
        )
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"ann_file '{ann_file}' cannot be read as a list of image names "
            f'({type(error).__name__}): give a text file with a name per '
            'line, without suffix.'
        ) from error
    names = [line.strip() for line in lines]
    known = suffix or IMAGE_SUFFIXES
    names = [strip_suffix(name, known) or name for name in names if name]
    if not names:
        raise InputError(
            f"ann_file '{ann_file}' is empty: give an image name per line, "
            'without suffix.'
        )
    return list(dict.fromkeys(names))
