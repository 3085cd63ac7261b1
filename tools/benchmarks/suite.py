"""Runs groups of comparisons."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from analysis.timing import interleaved, summarize
from benchmarks.core import (
    GROUPS,
    Case,
    Comparison,
    Different,
    Settings,
    Skipped,
)
from benchmarks.machine import describe_machine, matmul_rate
from benchmarks.memory import peak_memory
from benchmarks.profile import operators
from mmseg_da.errors import InputError


def run_suite(
    settings: Settings,
    only: Sequence[str] | None = None,
    progress: Callable[[dict], None] = lambda results: None,
) -> dict:
    """Run groups, one comparison after another.

    Args:
        settings (Settings): Settings of the suite.
        only (Sequence[str], optional): Names of groups. Defaults to all.
        progress (Callable): Called after each comparison with the results
            so far; the new one is the last of ``comparisons``.

    Returns:
        dict: ``machine``, ``matmul_gflops`` by type, ``settings`` and
        ``comparisons``, ready for JSON.

    Raises:
        InputError: If there is no such group.
    """
    from benchmarks import groups  # noqa: F401 - registers them

    names = list(only or GROUPS)
    for name in names:
        if name not in GROUPS:
            raise InputError(
                f'There is no group {name!r} of benchmarks: choose from '
                f'{", ".join(sorted(GROUPS))}.'
            )
    results = {
        'machine': describe_machine(settings.device),
        'matmul_gflops': _matmul_rates(settings),
        'settings': {**vars(settings), 'device': str(settings.device)},
        'comparisons': [],
    }
    with plain_fp32():
        for name in names:
            for comparison in GROUPS[name](settings):
                found = run_comparison(
                    comparison, settings, results['matmul_gflops']
                )
                results['comparisons'].append({'group': name, **found})
                progress(results)
                # Its cases hold networks and data, which can go now.
                del comparison
    return results


@contextmanager
def plain_fp32() -> Iterator[None]:
    """Switch TF32 off on CUDA, and let cuDNN choose its fastest kernels.

    TF32 is a case of its own.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.benchmark
    cudnn.allow_tf32, cudnn.benchmark = False, True
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.benchmark = before


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
    comparison: Comparison, settings: Settings, rates: dict[str, float]
) -> dict:
    """Check the results, measure memory, then time the cases in turns.

    Args:
        comparison (Comparison): The cases.
        settings (Settings): Settings of the suite.
        rates (dict): The machine's matmul rates in GFLOP/s, by type.

    Returns:
        dict: Title, axis and ``cases``, the baseline first. A case that was
        skipped, failed, or gave another result has a ``status`` that says so
        and no times. If the baseline failed, no case has times.
    """
    device = settings.device
    everyone = [comparison.baseline, *comparison.cases]
    rows, runs = [], {}
    expected: Any = None
    for case in everyone:
        row: dict[str, Any] = {'name': case.name, 'note': case.note}
        goals = case.goal, case.memory_goal, case.fps_goal
        row.update(
            (key, goal)
            for key, goal in zip(('goal', 'memory_goal', 'fps_goal'), goals)
            if goal is not None
        )
        rows.append(row)
        status, row['agreement'], result = _run_once(
            case, comparison, expected
        )
        row['status'] = status
        if case is comparison.baseline:
            expected = result
            if status != 'ok':
                rows += [
                    {'name': other.name, 'note': other.note, 'status': status}
                    | {'agreement': 'nothing to compare with'}
                    for other in comparison.cases
                ]
                break
        if status != 'ok':
            continue
        runs[case.name] = case.run
        if comparison.memory:
            row['peak_mib'] = peak_memory(case.run, device)
    del expected, result
    times = interleaved(
        runs,
        2 if settings.quick else settings.rounds,
        settings.warmup,
        device,
        comparison.number,
        settings.seconds,
        settings.cpu_time,
    )
    base = times.get(comparison.baseline.name)
    for case, row in zip(everyone, rows):
        if row['status'] != 'ok':
            continue
        row.update(summarize(times[case.name], base))
        if comparison.images:
            row['fps'] = 1000 * comparison.images / row['median_ms']
        if row.get('peak_mib') is not None and rows[0].get('peak_mib'):
            row['memory_ratio'] = row['peak_mib'] / rows[0]['peak_mib']
        row.update(_against_goals(row))
        if comparison.macs:
            rate = 2 * comparison.macs / row['median_ms'] / 1e6
            row.update(gflops=rate, share_of_matmul=rate / rates[case.dtype])
    profile = None
    if comparison.profile in runs:
        profile = operators(runs[comparison.profile], device)
    return {
        'title': comparison.title,
        'family': comparison.family,
        'axis': comparison.axis,
        'at': comparison.at,
        'macs': comparison.macs,
        'cases': rows,
        'profile': profile and {'of': comparison.profile, 'table': profile},
    }


def _run_once(
    case: Case, comparison: Comparison, expected: Any
) -> tuple[str, str, Any]:
    """Run a case; return status, agreement with the baseline, and result."""
    try:
        result = case.run()
        if case.result is not None:
            result = case.result()
        if case is comparison.baseline:
            return 'ok', 'baseline', result
        same = case.same or comparison.same
        return 'ok', same(expected, result), result
    except Skipped as reason:
        return 'skipped', str(reason), None
    except Different as reason:
        return 'different', str(reason), None
    except Exception as error:  # the other cases still have to run
        text = ' '.join(str(error).split())
        return 'failed', f'{type(error).__name__}: {text}'[:300], None


def _against_goals(row: dict) -> dict:
    found = {}
    if 'goal' in row:
        found['goal_met'] = row['ratio'] <= row['goal']
    if 'memory_goal' in row and 'memory_ratio' in row:
        found['memory_goal_met'] = row['memory_ratio'] <= row['memory_goal']
    if 'fps_goal' in row and 'fps' in row:
        found['fps_goal_met'] = row['fps'] >= row['fps_goal']
    return found
