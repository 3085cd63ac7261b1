"""Where the time of a call goes, by operators."""

from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity

ROWS = 12


def operators(run: Callable[[], Any], device: torch.device) -> list[list]:
    """The operators that take most of a call's time.

    Args:
        run (Callable): Called once.
        device (torch.device): Whose time is taken.

    Returns:
        list[list]: Pairs of names and shares of the operators' own time,
        the largest first, and the rest of them under 'others'.
    """
    cuda = device.type == 'cuda'
    activities = [ProfilerActivity.CPU]
    if cuda:
        activities.append(ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiler:
        run()
    own = 'self_device_time_total' if cuda else 'self_cpu_time_total'
    times = {
        event.key: getattr(event, own) for event in profiler.key_averages()
    }
    total = sum(times.values()) or 1
    names = sorted(times, key=times.get, reverse=True)
    shares = [[name, times[name] / total] for name in names[:ROWS]]
    return [*shares, ['others', max(0.0, 1 - sum(s for _, s in shares))]]
