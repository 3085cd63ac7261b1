"""Times that can be compared on a machine that does other things too."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch


def synchronize(device: torch.device) -> None:
    """Wait until a device has done all that was asked of it."""
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

    What slows the machine down for a while then slows all of them, and the
    ratio of two times of one round is that of the callables.

    Args:
        cases (Mapping[str, Callable]): What is timed.
        rounds (int): Timed rounds, each of every case once. Defaults to 5.
        warmup (int): Rounds before them. Defaults to 1.
        device (torch.device): Synchronised before the clock starts and
            before it stops. Defaults to the CPU.
        number (int): Calls per timing. Defaults to 1.
        seconds (float): No more rounds are begun after it, beyond two.
        cpu_time (bool): Whether the processor's time is taken, of all
            threads together, rather than the clock's. With one thread the
            two are equal on an idle machine, and a busy one changes the
            former little. Defaults to False.

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
    """Median and quartiles of times, and of their ratio round by round."""
    q1, median, q3 = _quartiles(times)
    ratios = [one / other for one, other in zip(times, baseline)]
    ratio_q1, ratio, ratio_q3 = _quartiles(ratios)
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


def _quartiles(values: list[float]) -> list[float]:
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method='inclusive')
