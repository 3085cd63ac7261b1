"""Which files a folder holds."""

import os
from collections.abc import Iterable

import mmengine.fileio as fileio


def expand_path(path: str) -> str:
    """Fill in ``~`` and variables such as ``$HOME``, as a shell does."""
    return os.path.expanduser(os.path.expandvars(str(path)))


def list_files(
    root: str, suffix: str, backend_args: dict | None = None
) -> set[str]:
    """List a folder and its subfolders once.

    Symbolic links to folders are followed, each real folder once, so that a
    link to a parent ends the search instead of repeating it. Hidden files
    are left out.

    Args:
        root (str): The folder.
        suffix (str): What the names end in.
        backend_args (dict, optional): A file backend of mmengine other than
            the local disk. Defaults to None.

    Returns:
        set[str]: Paths relative to ``root``, with '/', without the suffix.
    """
    if backend_args is not None:
        paths: Iterable[str] = fileio.list_dir_or_file(
            root,
            list_dir=False,
            suffix=suffix,
            recursive=True,
            backend_args=backend_args,
        )
    else:
        paths = walk_files(root)
    return {
        path[: -len(suffix)].replace(os.sep, '/')
        for path in paths
        if path.endswith(suffix)
    }


def walk_files(root: str) -> Iterable[str]:
    """Paths of a folder's files relative to it; see :func:`list_files`."""
    seen = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = [s for s in subfolders if not s.startswith('.')]
        prefix = os.path.relpath(folder, root)
        prefix = '' if prefix == '.' else prefix + os.sep
        yield from (prefix + f for f in files if not f.startswith('.'))


def shorten(items: Iterable[str | int], limit: int = 5) -> str:
    """The first few of the sorted items as text, for a message."""
    items = sorted(map(str, items))
    more = f', ... ({len(items)} in all)' if len(items) > limit else ''
    return ', '.join(items[:limit]) + more
