import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmseg_da.errors import InputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path that replaces ``path`` if no error occurs.

    It lies in the same folder. Missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_statistics(path: str | Path, *keys: str) -> dict:
    """Read a JSON of ``tools/analysis/class_statistics.py`` with these keys.

    Raises:
        InputError: If it is not there, or is something else.
    """
    advice = f'python tools/analysis/class_statistics.py CONFIG --out {path}'
    try:
        statistics = json.loads(Path(path).read_text(encoding='utf-8'))
        keys = ('classes', 'pixel_counts', *keys)
        names, counts, *_ = (statistics[key] for key in keys)
        if len(names) != len(counts) or not sum(counts) > 0:
            raise ValueError('its counts do not match its classes')
    except OSError as error:
        raise InputError(
            f'{path} cannot be read ({error.strerror}): write it with '
            f'{advice}.'
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{path} is no class statistics JSON ({error}): write it with '
            f'{advice}.'
        ) from error
    return statistics
