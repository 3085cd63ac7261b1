"""Which files a folder holds."""

import os
import re
from collections.abc import Iterable

import mmengine.fileio as fileio

from mmseg_da.errors import InputError

# Of any case.
IMAGE_SUFFIXES = (
    *('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp'),
)
VIDEO_SUFFIXES = (
    *('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm'),
)
_WILDCARD = re.compile(r'(\*\*/|\*\*|\*|\?|\[[^]/]+\])')


def expand_path(path: str) -> str:
    """Fill in ``~`` and variables such as ``$HOME``, as a shell does."""
    return os.path.expanduser(os.path.expandvars(str(path)))


def find_files(
    path: str, suffix: str | tuple[str, ...], backend_args: dict | None = None
) -> dict[str, str]:
    """Find the files of a folder and its subfolders, or those of a pattern.

    Symbolic links to folders are followed, each real folder once, so that a
    link to a parent ends the search instead of repeating it. Hidden files
    are left out.

    Args:
        path (str): A folder, or a pattern with the wildcards of a shell:
            ``*``, ``?``, ``[...]``, and ``**`` for any depth. If a pattern's
            last part has no wildcard, it matches folders, else files, which
            then end as the pattern does (unless it ends in ``.*``).
        suffix (str | tuple[str, ...]): What the names of files end in; of
            several suffixes any, in any case.
        backend_args (dict, optional): A file backend of mmengine other than
            the local disk. Defaults to None.

    Returns:
        dict[str, str]: Each file by its name: its place in the folder
        without suffix, with '/', or what the wildcards stand for.

    Raises:
        InputError: Two files have one name.
    """
    folder, pattern, suffix = _split_pattern(path, suffix)
    found: dict[str, str] = {}
    for relative in _list_folder(folder, backend_args):
        name = strip_suffix(relative, suffix)
        if name is None:
            continue
        if pattern is not None:
            match = pattern.fullmatch(name)
            if match is None:
                continue
            name = '/'.join(part for part in match.groups() if part)
        file = os.path.join(folder, relative)
        if name in found:
            raise InputError(
                f"'{found[name]}' and '{file}' both have the name '{name}': "
                'choose between them with the suffix (img_suffix, '
                'seg_map_suffix).'
            )
        found[name] = file
    return found


def strip_suffix(name: str, suffix: str | tuple[str, ...]) -> str | None:
    """Take a suffix off a name; None for a name without it."""
    if isinstance(suffix, str):
        return name[: -len(suffix)] if name.endswith(suffix) else None
    stem, end = os.path.splitext(name)
    return stem if end.lower() in suffix else None


def folder_of(path: str) -> str:
    """The folder of a pattern, before its first wildcard."""
    return _split_pattern(path, '')[0]


def is_pattern_of_files(path: str) -> bool:
    """Whether a path is a pattern whose last part has wildcards."""
    return _has_wildcard(path) and bool(_WILDCARD.search(path.split('/')[-1]))


def _has_wildcard(path: str) -> bool:
    # A folder may have brackets in its name.
    return bool(_WILDCARD.search(path)) and not os.path.isdir(path)


def _split_pattern(
    path: str, suffix: str | tuple[str, ...]
) -> tuple[str, re.Pattern | None, str | tuple[str, ...]]:
    path = path.replace(os.sep, '/')
    if not _has_wildcard(path):
        return path, None, suffix
    parts = path.split('/')
    first = next(i for i, part in enumerate(parts) if _WILDCARD.search(part))
    folder = '/'.join(parts[:first]) or ('/' if path.startswith('/') else '.')
    rest = '/'.join(parts[first:])
    if not is_pattern_of_files(path):
        rest += '/**/*'
    elif '.' in parts[-1]:
        rest, dot, end = rest.rpartition('.')
        suffix = suffix if end == '*' else dot + end
    expression = ''.join(map(_translate, _WILDCARD.split(rest)))
    return folder, re.compile(expression), suffix


def _translate(part: str) -> str:
    fixed = {'**/': '(?:(.*)/)?', '**': '(.*)', '*': '([^/]*)', '?': '([^/])'}
    if part in fixed:
        return fixed[part]
    if _WILDCARD.fullmatch(part):
        return f'({part.replace("[!", "[^")})'
    return re.escape(part)


def _list_folder(root: str, backend_args: dict | None) -> Iterable[str]:
    if backend_args is None:
        return walk_files(root)
    return fileio.list_dir_or_file(
        root, list_dir=False, recursive=True, backend_args=backend_args
    )


def walk_files(root: str) -> Iterable[str]:
    """Paths of a folder's files relative to it; see :func:`find_files`."""
    seen = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = [s for s in subfolders if not s.startswith('.')]
        prefix = os.path.relpath(folder, root).replace(os.sep, '/')
        prefix = '' if prefix == '.' else prefix + '/'
        yield from (prefix + f for f in files if not f.startswith('.'))


def shorten(items: Iterable[str | int], limit: int = 5) -> str:
    """The first few of the sorted items as text, for a message."""
    items = sorted(map(str, items))
    more = f', ... ({len(items)} in all)' if len(items) > limit else ''
    return ', '.join(items[:limit]) + more
