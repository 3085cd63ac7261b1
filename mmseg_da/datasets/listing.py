"""Which files a folder holds, and which of them a data set takes."""

import os
import re
from collections.abc import Iterable

import mmengine
import mmengine.fileio as fileio

from mmseg_da.errors import InputError

# Of any case.
IMAGE_SUFFIXES = (
    *('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp'),
)
VIDEO_SUFFIXES = (
    *('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm'),
)
WILDCARD = re.compile(r'(\*\*/|\*\*|\*|\?|\[[^]/]+\])')


def expand_path(path: str) -> str:
    """Fill in ``~`` and variables such as ``$HOME``, as a shell does."""
    return os.path.expanduser(os.path.expandvars(str(path)))


def find_files(
    path: str,
    suffix: str | tuple[str, ...],
    backend_args: dict | None,
    no_folder: str,
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
        backend_args (dict, optional): A file backend of mmengine.
        no_folder (str): The message when there is no such folder.

    Returns:
        dict[str, str]: Each file by its name: its place in the folder
        without suffix, with '/', or what the wildcards stand for.

    Raises:
        InputError: The folder is not there, or two files have one name.
    """
    folder, pattern, suffix = _split_pattern(path, suffix)
    if not fileio.isdir(folder, backend_args=backend_args):
        raise InputError(no_folder)
    found: dict[str, str] = {}
    if backend_args is None:
        files = walk_files(folder)
    else:
        options = dict(list_dir=False, backend_args=backend_args)
        files = fileio.list_dir_or_file(folder, recursive=True, **options)
    for relative in files:
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


def find_images(
    path: str,
    suffix: str | None,
    ann_file: str,
    backend_args: dict | None,
    advice: str,
) -> dict[str, str]:
    """Find a data set's images by their names, in the order of the names.

    Without a suffix they are of any usual image format. ``ann_file`` lists
    the names to keep, if it is given. ``advice`` says what to do when there
    are no images.

    Raises:
        InputError: Folder, images or list are not there.
    """
    known = suffix or IMAGE_SUFFIXES
    no_folder = (
        f"The data set looked for images in '{folder_of(path)}', which is not "
        f'a folder: {advice}.'
    )
    files = find_files(path, known, backend_args, no_folder)
    wanted = '*' + (suffix or f'({"|".join(IMAGE_SUFFIXES)})')
    if not files:
        raise InputError(
            f"The data set found no file '{wanted}' in '{path}' or its "
            'subfolders: check the layout (data_prefix.img_path) and '
            f'img_suffix, or {advice}.'
        )
    names = sorted(files)
    if ann_file:
        names = sorted(_read_names(ann_file, known, backend_args))
        missing = set(names) - set(files)
        if missing:
            raise InputError(
                f"ann_file '{ann_file}' names {shorten(missing)}, but "
                f"'{path}' has no such '{wanted}'."
            )
    return {name: files[name] for name in names}


def _read_names(
    ann_file: str,
    suffix: str | tuple[str, ...],
    backend_args: dict | None,
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
    names = [strip_suffix(name, suffix) or name for name in names if name]
    if not names:
        raise InputError(
            f"ann_file '{ann_file}' is empty: give an image name per line, "
            'without suffix.'
        )
    return names


def strip_suffix(name: str, suffix: str | tuple[str, ...]) -> str | None:
    """Take a suffix off a name; None for a name without it."""
    if isinstance(suffix, str):
        return name[: -len(suffix)] if name.endswith(suffix) else None
    stem, end = os.path.splitext(name)
    return stem if end.lower() in suffix else None


def folder_of(path: str) -> str:
    """The folder of a pattern, before its first wildcard."""
    return _split_pattern(path, '')[0]


def _split_pattern(
    path: str, suffix: str | tuple[str, ...]
) -> tuple[str, re.Pattern | None, str | tuple[str, ...]]:
    path = path.replace(os.sep, '/')
    # Folders that are there may have brackets in their names.
    start = 0
    for slash in re.finditer('/', f'{path}/'):
        if not os.path.isdir(path[: slash.end()]):
            break
        start = slash.end()
    first = WILDCARD.search(path, start)
    if first is None:
        return path, None, suffix
    folder = os.path.dirname(path[: first.start()])
    rest, last = path[len(folder) :].lstrip('/'), os.path.basename(path)
    if not WILDCARD.search(last):
        rest += '/**/*'
    elif '.' in last:
        rest, dot, end = rest.rpartition('.')
        suffix = suffix if end == '*' else dot + end
    expression = ''.join(map(_translate, WILDCARD.split(rest)))
    return folder or '.', re.compile(expression), suffix


def _translate(part: str) -> str:
    fixed = {'**/': '(?:(.*)/)?', '**': '(.*)', '*': '([^/]*)', '?': '([^/])'}
    if part in fixed:
        return fixed[part]
    if WILDCARD.fullmatch(part):
        return f'({part.replace("[!", "[^")})'
    return re.escape(part)


def walk_files(root: str) -> Iterable[str]:
    """Paths of a folder's files relative to it; see :func:`find_files`."""
    seen = set()
    options = dict(followlinks=True, onerror=_refuse_unreadable)
    for folder, subfolders, files in os.walk(root, **options):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        # Each ext4 disk has the latter, which its administrator alone reads.
        subfolders[:] = [
            s for s in subfolders if s[0] != '.' and s != 'lost+found'
        ]
        prefix = os.path.relpath(folder, root).replace(os.sep, '/')
        prefix = '' if prefix == '.' else prefix + '/'
        yield from (prefix + f for f in files if not f.startswith('.'))


def _refuse_unreadable(error: OSError) -> None:
    """Its files would be left out without a word."""
    raise InputError(
        f'The folder {error.filename} cannot be read ({error.strerror}): '
        'change its permissions, or move it elsewhere.'
    ) from error


def shorten(items: Iterable[str | int], limit: int = 5) -> str:
    """The first few of the sorted items as text, for a message."""
    items = sorted(map(str, items))
    more = f', ... ({len(items)} in all)' if len(items) > limit else ''
    return ', '.join(items[:limit]) + more
