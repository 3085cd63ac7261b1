"""Splits the time of a call by operators."""

from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity

ROWS = 12


def operators(run: Callable[[], Any], device: torch.device) -> list[list]:
    """Find the operators that take most of a call's time.

    Args:
        run (Callable): The call; it is made once.
        device (torch.device): The device whose time counts.

    Returns:
        list[list]: Pairs of an operator's name and its share of the time,
        without the time of operators that it calls. The largest comes first,
        the rest is summed under 'others'.
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
