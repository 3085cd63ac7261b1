"""Peak memory of a call."""

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

STATUS = Path('/proc/self/status')
CLEAR = Path('/proc/self/clear_refs')


def peak_memory(
    run: Callable[[], Any], device: torch.device = torch.device('cpu')
) -> float | None:
    """Measure by how much memory rises, at most, during a call.

    On CUDA this is the memory that PyTorch allocates. On the CPU it is the
    resident memory of the process, which includes the work space of
    libraries. Linux keeps its highest value and can reset it.

    Args:
        run (Callable): The call; it is made once.
        device (torch.device): Defaults to the CPU.

    Returns:
        float | None: MiB, or None where it cannot be measured.
    """
    gc.collect()
    if device.type == 'cuda':
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    try:
        # The C library keeps freed memory, which would hide new use of it.
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text('5')
        before = _resident('VmRSS')
    except (OSError, AttributeError):
        return None
    run()
    return max(0.0, (_resident('VmHWM') - before) / 1024)


def _resident(key: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f'{key}:'):
            return int(line.split()[1])
    raise OSError(f'{STATUS} has no {key}')
