"""Time callables so that the times can be compared on a busy machine."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch


def synchronize(device: torch.device) -> None:
    """Wait until a device has finished its work."""
    getattr(torch, device.type).synchronize()


def interleaved(
    cases: Mapping[str, Callable[[], Any]],
    rounds: int = 5,
    warmup: int = 1,
    device: torch.device = torch.device('cpu'),
    number: int = 1,
    seconds: float = float('inf'),
    cpu_time: bool = False,
) -> dict[str, list[float]]:
    """Time callables in turns: A B A B ...

    Whatever slows the machine down for a while then slows all callables, so
    that the ratio of two times of one round is free of it.

    Args:
        cases (Mapping[str, Callable]): The callables.
        rounds (int): Timed rounds; each times every case once. Defaults to
            5.
        warmup (int): Untimed rounds before them. Defaults to 1.
        device (torch.device): Synchronised before the clock starts and
            before it stops. Defaults to the CPU.
        number (int): Calls per timing. Defaults to 1.
        seconds (float): After this time no new round begins, once there are
            two. Defaults to no limit.
        cpu_time (bool): Whether to measure the processor time of all threads
            instead of the wall clock. With one thread they are equal on an
            idle machine, and other programs change processor time little.
            Defaults to False.

    Returns:
        dict[str, list[float]]: Milliseconds per call, a list of equal length
        for each case.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    begin = time.perf_counter()
    clock = time.process_time if cpu_time else time.perf_counter
    for index in range(warmup + rounds):
        if index >= warmup + 2 and time.perf_counter() - begin > seconds:
            break
        for name, run in cases.items():
            synchronize(device)
            start = clock()
            for _ in range(number):
                run()
            synchronize(device)
            if index >= warmup:
                elapsed = clock() - start
                times[name].append(1000 * elapsed / number)
    return times


def summarize(times: list[float], baseline: list[float]) -> dict[str, Any]:
    """Compute the quartiles of times, and of their ratio round by round."""
    q1, median, q3 = quartiles(times)
    ratios = [one / other for one, other in zip(times, baseline)]
    ratio_q1, ratio, ratio_q3 = quartiles(ratios)
    return {
        'median_ms': median,
        'q1_ms': q1,
        'q3_ms': q3,
        'iqr_ms': q3 - q1,
        'times_ms': times,
        'ratio': ratio,
        'ratio_q1': ratio_q1,
        'ratio_q3': ratio_q3,
    }


def quartiles(values: list[float]) -> list[float]:
    """Compute the first quartile, the median and the third quartile."""
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method='inclusive')


def device_name(device: torch.device) -> str:
    """The model of a GPU or of the processor."""
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    if device.type != 'cpu':
        return str(device)
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            names = [line for line in file if line.startswith('model name')]
        return names[0].split(':', 1)[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
