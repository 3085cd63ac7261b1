"""Checkpoints load as weights only, whatever the framework would do.

OneDL's mmengine falls back to full unpickling where safe loading fails, and
OpenMMLab's cannot load its own checkpoints safely. Both are settled here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from ..errors import InputError

# What mmengine's own checkpoints hold beside tensors and plain types: the
# numpy arrays of the message hub's history.
_NUMPY_CORE = getattr(np, '_core', None) or np.core
ALLOWED_TYPES = [
    HistoryBuffer,
    np.ndarray,
    np.dtype,
    _NUMPY_CORE.multiarray._reconstruct,
    _NUMPY_CORE.multiarray.scalar,
    *(type(np.dtype(name)) for name in ('float32', 'float64', 'int64')),
]


@contextmanager
def weights_only_loading() -> Iterator[None]:
    """Make every ``torch.load`` inside refuse what could run code.

    Raises:
        InputError: If a checkpoint holds anything but tensors, plain types
            and mmengine's history.
    """
    before = os.environ.get('TORCH_FORCE_WEIGHTS_ONLY_LOAD')
    os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'
    try:
        with torch.serialization.safe_globals(ALLOWED_TYPES):
            yield
    except UnpicklingError as error:
        reason = str(error).strip().split('\n')
        found = next((line for line in reason if 'GLOBAL' in line), reason[0])
        raise InputError(
            'The checkpoint was refused because it holds more than weights, '
            f'and loading that could run code ({found.strip()}): use a file '
            'from a source you trust, saved with tensors and plain types only.'
        ) from error
    finally:
        if before is None:
            del os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD']
        else:
            os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = before
