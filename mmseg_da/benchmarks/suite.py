"""Runs groups of comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import torch

from ..errors import InputError
from .core import GROUPS, Case, Comparison, Different, Settings, Skipped
from .machine import describe_machine, matmul_rate
from .memory import peak_memory
from .timing import interleaved, summarize


def run_suite(
    settings: Settings,
    only: Optional[Sequence[str]] = None,
    progress: Callable[[dict], None] = lambda comparison: None,
) -> dict:
    """Run groups, one comparison after another.

    Args:
        settings (Settings): How.
        only (Sequence[str], optional): Names of groups. Defaults to all.
        progress (Callable): Called with each comparison's results.

    Returns:
        dict: ``machine``, ``matmul_gflops`` by type, ``settings`` and
        ``comparisons``, ready for JSON.

    Raises:
        InputError: If there is no such group.
    """
    from . import groups  # noqa: F401 - registers them

    names = list(only or GROUPS)
    for name in names:
        if name not in GROUPS:
            raise InputError(
                f'There is no group {name!r} of benchmarks: choose of '
                f'{", ".join(sorted(GROUPS))}.'
            )
    rates = _matmul_rates(settings)
    comparisons = []
    for name in names:
        for comparison in GROUPS[name](settings):
            result = run_comparison(comparison, settings, rates['float32'])
            comparisons.append({'group': name, **result})
            progress(comparisons[-1])
            # Its cases hold what it was built of.
            del comparison
    return {
        'machine': describe_machine(settings.device),
        'matmul_gflops': rates,
        'settings': {**vars(settings), 'device': str(settings.device)},
        'comparisons': comparisons,
    }


def _matmul_rates(settings: Settings) -> dict[str, float]:
    cuda = settings.device.type == 'cuda'
    size = 256 if settings.quick else 8192 if cuda else 2048
    types = [torch.float32, torch.bfloat16]
    if cuda:
        types.append(torch.float16)
    return {
        str(dtype).removeprefix('torch.'): matmul_rate(
            settings.device, size, dtype, cpu_time=settings.cpu_time
        )
        for dtype in types
    }


def run_comparison(
    comparison: Comparison, settings: Settings, gflops: float
) -> dict:
    """Check results, measure memory, then time in turns.

    Args:
        comparison (Comparison): What is compared.
        settings (Settings): How.
        gflops (float): The machine's matmul rate in fp32.

    Returns:
        dict: Title, axis and ``cases``, the baseline first. A case that was
        skipped or whose result differs has a ``status`` that says so, and no
        times.
    """
    device = settings.device
    expected = comparison.baseline.run()
    everyone = [comparison.baseline, *comparison.cases]
    rows, runs = [], {}
    for case in everyone:
        row: dict[str, Any] = {'name': case.name, 'note': case.note}
        rows.append(row)
        row.update(_check(case, comparison, expected))
        if row['status'] != 'ok':
            continue
        runs[case.name] = case.run
        if comparison.memory:
            row['peak_mib'] = peak_memory(case.run, device)
    del expected
    times = interleaved(
        runs,
        2 if settings.quick else settings.rounds,
        settings.warmup,
        device,
        comparison.number,
        settings.seconds,
        settings.cpu_time,
    )
    base = times[comparison.baseline.name]
    base_memory = rows[0].get('peak_mib')
    for case, row in zip(everyone, rows):
        if row['status'] != 'ok':
            continue
        row.update(summarize(times[case.name], base))
        row.update(_against_goals(case, row, base_memory))
        if comparison.macs:
            rate = 2 * comparison.macs / row['median_ms'] / 1e6
            row.update(gflops=rate, share_of_matmul=rate / gflops)
    return {
        'title': comparison.title,
        'family': comparison.family,
        'axis': comparison.axis,
        'at': comparison.at,
        'macs': comparison.macs,
        'cases': rows,
    }


def _check(case: Case, comparison: Comparison, expected: Any) -> dict:
    if case is comparison.baseline:
        return {'status': 'ok', 'agreement': 'baseline'}
    try:
        agreement = (case.same or comparison.same)(expected, case.run())
    except Skipped as reason:
        return {'status': 'skipped', 'agreement': str(reason)}
    except Different as reason:
        return {'status': 'different', 'agreement': str(reason)}
    return {'status': 'ok', 'agreement': agreement}


def _against_goals(
    case: Case, row: dict, base_memory: Optional[float]
) -> dict:
    found = {}
    if base_memory and row.get('peak_mib') is not None:
        found['memory_ratio'] = row['peak_mib'] / base_memory
    if case.goal is not None:
        found.update(goal=case.goal, goal_met=row['ratio'] <= case.goal)
    if case.memory_goal is not None and 'memory_ratio' in found:
        found.update(
            memory_goal=case.memory_goal,
            memory_goal_met=found['memory_ratio'] <= case.memory_goal,
        )
    return found
