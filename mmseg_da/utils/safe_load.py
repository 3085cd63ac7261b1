"""Checkpoints load as weights only, whatever the framework would do.

OneDL's mmengine unpickles everything where safe loading fails, and allows
``getattr``, with which a file can reach ``exec``. OpenMMLab's cannot load its
own checkpoints as weights only. This module replaces both ways of loading.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint as mmengine_checkpoint

from mmseg_da.errors import InputError

FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
METHODS = ('min', 'max', 'current', 'mean')


def _history_method(owner: type, name: str) -> Callable:
    """Replace ``getattr`` in a checkpoint.

    MMEngine's history refers to its own methods with ``getattr``. Weights
    have no other use for it.
    """
    if owner is not HistoryBuffer or name not in METHODS:
        raise UnpicklingError(f'Unsupported global: GLOBAL getattr of {name}')
    return getattr(owner, name)


# MMEngine's checkpoints hold, beside tensors and plain types, the numpy arrays
# of the message hub's history, and numpy numbers such as scores.
_NUMPY_CORE = getattr(np, '_core', None) or np.core
_NUMBERS = '?' + np.typecodes['AllInteger'] + np.typecodes['Float']
ALLOWED = [
    HistoryBuffer,
    np.ndarray,
    np.dtype,
    # Under the names of numpy 1 and of numpy 2, whichever is installed.
    *(
        (getattr(_NUMPY_CORE.multiarray, name), f'numpy.{core}.{name}')
        for core in ('core.multiarray', '_core.multiarray')
        for name in ('_reconstruct', 'scalar')
    ),
    *(type(np.dtype(code)) for code in _NUMBERS),
    (_history_method, 'builtins.getattr'),
]
_torch_load = torch.load
_load_url = mmengine_checkpoint.load_url
# torch's hub names files name-<first digits of the SHA-256>.pth.
_HASH = re.compile(r'-([a-f0-9]{8,})\.')


def load_file(file, map_location=None, **kwargs) -> object:
    """``torch.load`` that refuses whatever could run code.

    Of its arguments ``map_location`` and ``mmap`` count. The result has no
    ``config`` under ``meta``: MMEngine would run it as Python on resume, and
    never writes it.

    Raises:
        InputError: If the file is no checkpoint, or holds anything but
            tensors, plain types and mmengine's history.
    """
    name = getattr(file, 'name', file)
    others = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        with torch.serialization.safe_globals(ALLOWED):
            options = dict(map_location=map_location, mmap=kwargs.get('mmap'))
            content = _torch_load(file, weights_only=True, **options)
    except FileNotFoundError as error:
        raise InputError(
            f'The checkpoint {name} does not exist: give the .pth file of a '
            'training run.'
        ) from error
    except Exception as error:  # Damaged files raise anything.
        raise _refusal(name, error) from error
    finally:
        torch.serialization.add_safe_globals(others)
    meta = content.get('meta', {}) if isinstance(content, dict) else {}
    if not isinstance(meta, dict):
        raise InputError(
            f'The checkpoint {name} has a {type(meta).__name__} for meta, '
            'but MMEngine writes a dict: it was made by something else.'
        )
    meta.pop('config', None)
    return content


def _refusal(name: object, error: Exception) -> InputError:
    # torch names the object that it refused, if the file is not damaged.
    found = re.search(r'(?:GLOBAL|class|function) ([\w.]+)', str(error))
    if not isinstance(error, UnpicklingError) or found is None:
        return InputError(
            f'{name} is no checkpoint, or a damaged one: give the .pth file '
            'of a training run.'
        )
    return InputError(
        f'The checkpoint {name} holds an object that carries code '
        f'({found[1]}) and is refused: use a file from a source you trust, '
        'saved with tensors and plain types only.'
    )


def load_url(url: str, model_dir: str | None = None, **kwargs) -> object:
    """torch's ``load_url``, with a check of the hash in the file's name.

    Raises:
        InputError: If the file, downloaded now or earlier, has another hash.
    """
    folder = Path(model_dir or Path(torch.hub.get_dir()) / 'checkpoints')
    file = folder / Path(urlparse(url).path).name
    expected = _HASH.search(file.name)
    if expected and file.exists():
        found = sha256(file.read_bytes()).hexdigest()
        if not found.startswith(expected[1]):
            raise InputError(
                f'The downloaded weights {file} are damaged or another file '
                f'(SHA-256 {found[: len(expected[1])]}, and its name says '
                f'{expected[1]}): delete it, and it is downloaded again.'
            )
    try:
        kwargs['check_hash'] = expected is not None
        return _load_url(url, model_dir=model_dir, **kwargs)
    except RuntimeError as error:
        if 'invalid hash value' not in str(error):
            raise
        raise InputError(
            f'What {url} gave is not the file that its name promises '
            f'({error}): download it from another place, by hand.'
        ) from error


@contextmanager
def weights_only_loading() -> Iterator[None]:
    """Within, ``torch.load`` is :func:`load_file`; downloads are checked."""
    before = torch.load, mmengine_checkpoint.load_url
    # For whoever kept another reference to torch.load.
    forced = os.environ.get(FORCE)
    torch.load, mmengine_checkpoint.load_url = load_file, load_url
    os.environ[FORCE] = '1'
    try:
        yield
    finally:
        torch.load, mmengine_checkpoint.load_url = before
        if forced is None:
            del os.environ[FORCE]
        else:
            os.environ[FORCE] = forced
