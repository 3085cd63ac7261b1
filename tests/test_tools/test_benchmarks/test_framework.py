"""The framework: what is timed, checked, reported."""

import json
import mmap
import time

import numpy as np
import pytest
import torch

from analysis.timing import interleaved, summarize
from benchmarks import (
    Case,
    Comparison,
    Settings,
    Skipped,
    close,
)
from benchmarks.core import Different
from benchmarks.memory import peak_memory
from benchmarks.report import to_markdown, to_row, write_report
from benchmarks.suite import run_comparison

QUICK = Settings(quick=True)
RATES = {'float32': 10.0, 'float16': 20.0}


def test_cases_take_turns():
    calls = []
    times = interleaved(
        {name: lambda name=name: calls.append(name) for name in 'ab'},
        rounds=2,
        warmup=1,
        number=2,
    )
    assert ''.join(calls) == 'aabb' * 3
    assert [len(times[name]) for name in 'ab'] == [2, 2]


def test_times_are_milliseconds_per_call():
    run = {'sleep': lambda: time.sleep(0.02)}
    (times,) = interleaved(run, rounds=3, warmup=0, number=2).values()
    assert all(20 <= value < 60 for value in times)


def test_processor_time_does_not_pass_asleep():
    run = {'sleep': lambda: time.sleep(0.05)}
    (times,) = interleaved(run, 2, 0, cpu_time=True).values()
    assert max(times) < 25


def test_no_rounds_after_the_time_is_up():
    run = {'sleep': lambda: time.sleep(0.01)}
    (times,) = interleaved(run, 50, 1, seconds=0.001).values()
    assert len(times) == 2


def test_ratios_are_of_the_same_round():
    # The machine was 10 times slower in the second round.
    found = summarize([1.0, 10.0, 1.0], [2.0, 20.0, 2.0])
    assert found['ratio'] == found['ratio_q1'] == found['ratio_q3'] == 0.5
    assert found['median_ms'] == 1
    assert found['iqr_ms'] == 4.5  # quartiles 1 and 5.5


def test_close_compares_nested_results():
    expected = {'a': torch.tensor([1.0, 2.0]), 'b': [np.float32(3), 4]}
    same = {'a': torch.tensor([1.0, 2.0]), 'b': [3, 4]}
    assert close(0)(expected, same) == 'equal'
    near = {'a': torch.tensor([1.0, 2.25]), 'b': [3, 4]}
    assert close(0.25)(expected, near) == 'differs by 2.5e-01'
    assert close(0.07, relative=True)(expected, near)  # 0.25 of 4
    with pytest.raises(Different, match='more than 2e-01'):
        close(0.2)(expected, near)
    with pytest.raises(Different, match='nan'):
        close(1)(expected, {'a': torch.tensor([1, torch.nan]), 'b': [3, 4]})
    with pytest.raises(Different, match=r'is \(1,\), not \(2,\)'):
        close(1)(expected, {'a': torch.tensor([1.0]), 'b': [3, 4]})


def skipped():
    raise Skipped('no such backend')


def broken():
    raise RuntimeError('no\nmemory')


def comparison(**kwargs):
    return Comparison(
        'one plus one',
        Case('plain', lambda: 1 + 1),
        [
            Case('sum', lambda: sum([1, 1]), goal=1e9, memory_goal=1e9),
            Case('wrong', lambda: 3),
            Case(
                'near',
                lambda: 2.1,
                same=close(0.2),
                goal=1e-9,
                fps_goal=1,
                dtype='float16',
            ),
            Case('absent', skipped, goal=0.5),
            Case('broken', broken),
            Case('aside', lambda: 7, result=lambda: 2),
        ],
        same=close(0),
        **kwargs,
    )


def test_only_equal_results_are_timed():
    cases = run_comparison(comparison(macs=1e3, images=3), QUICK, RATES)[
        'cases'
    ]
    assert [case['status'] for case in cases] == [
        'ok',
        'ok',
        'different',
        'ok',
        'skipped',
        'failed',
        'ok',
    ]
    assert all(
        ('median_ms' in case) == (case['status'] == 'ok') for case in cases
    )
    assert cases[0]['ratio'] == 1
    assert cases[1]['goal_met'] is True and cases[3]['goal_met'] is False
    assert cases[2]['agreement'] == 'differs by 1.0e+00, more than 0e+00'
    assert cases[4]['agreement'] == 'no such backend'
    assert cases[5]['agreement'] == 'RuntimeError: no memory'
    assert cases[6]['agreement'] == 'equal'
    assert cases[3]['fps_goal_met'] is True
    assert cases[0]['fps'] == pytest.approx(3000 / cases[0]['median_ms'])
    # 2,000 operations in so many milliseconds, of 10 GFLOP/s.
    gflops = 2e3 / (cases[0]['median_ms'] / 1e3) / 1e9
    assert cases[0]['gflops'] == pytest.approx(gflops)
    assert cases[0]['share_of_matmul'] == pytest.approx(gflops / 10)
    share = cases[3]['gflops'] / 20
    assert cases[3]['share_of_matmul'] == pytest.approx(share)


def test_nothing_is_timed_beside_a_baseline_that_fails():
    found = run_comparison(
        Comparison('a', Case('b', broken), [Case('c', lambda: 1)], close(0)),
        QUICK,
        RATES,
    )
    assert [case['status'] for case in found['cases']] == ['failed'] * 2


def test_profile_names_operators_and_their_shares():
    x = torch.randn(64, 64)
    found = run_comparison(
        Comparison('a', Case('b', lambda: x @ x), [], close(0), profile='b'),
        QUICK,
        RATES,
    )
    shares = dict(found['profile']['table'])
    assert shares['aten::mm'] > 0.1
    assert sum(shares.values()) == pytest.approx(1)


def test_memory_is_the_peak_of_the_call():
    def touch(mebibytes):
        # Not by malloc, which may keep what is freed.
        with mmap.mmap(-1, mebibytes * 2**20) as block:
            for page in range(0, len(block), mmap.PAGESIZE):
                block[page] = 1

    def run():
        touch(64)
        touch(32)

    peaks = [peak_memory(run) for _ in range(3)]
    if None in peaks:
        pytest.skip('the system does not tell the peak of a process')
    # What else a busy process does in the meantime only adds to it.
    assert 60 < min(peaks) < 80


def test_report_tells_what_was_missed(tmp_path):
    results = {
        'machine': {
            'device': 'a',
            'cpu': 'a',
            'cpu_capability': 'AVX2',
            'cores': 2,
            'threads': 1,
            'python': '3',
            'versions': {'torch': '2'},
        },
        'matmul_gflops': {'float32': 10.0},
        'settings': {
            'rounds': 2,
            'warmup': 1,
            'quick': True,
            'cpu_time': True,
        },
        'comparisons': [
            {
                'group': 'sums',
                **run_comparison(
                    comparison(family='sum', axis='terms', at=at),
                    QUICK,
                    RATES,
                ),
            }
            for at in (1, 2)
        ],
    }
    paths = write_report(results, tmp_path, 'the command')
    assert sorted(path.name for path in paths) == [
        'benchmark.json',
        'benchmark.md',
        'sum_terms.png',
    ]
    assert all(path.stat().st_size for path in paths)
    saved = json.loads((tmp_path / 'benchmark.json').read_text())
    assert saved['command'] == 'the command'
    assert saved['comparisons'] == results['comparisons']
    page = (tmp_path / 'benchmark.md').read_text()
    assert page.count('- one plus one, near: ratio') == 2
    assert '- one plus one, sum' not in page
    assert '`the command`' in page and '## Sums' in page
    assert '![sum_terms](sum_terms.png)' in page
    assert '| absent | | | | | | | skipped: no such backend |' in page
    assert page.count('- one plus one, absent: skipped, goal 0.5') == 2
    assert 'the times mean nothing' in page
    assert "Times are the processor's" in page
    results['settings']['quick'] = False
    assert 'the times mean nothing' not in to_markdown(
        {'command': '', **results}
    )


def test_row_shows_goal_and_memory():
    case = {
        'name': 'a',
        'note': 'b',
        'status': 'ok',
        'agreement': 'equal',
        'median_ms': 2.0,
        'q1_ms': 1.5,
        'q3_ms': 2.5,
        'ratio': 0.5,
        'ratio_q1': 0.4,
        'ratio_q3': 0.6,
        'goal': 0.6,
        'goal_met': True,
        'peak_mib': 10.4,
        'memory_ratio': 0.25,
        'share_of_matmul': 0.415,
        'fps': 500.0,
    }
    assert to_row(case) == (
        '| a (b) | 2.00 [1.50, 2.50] | 0.500 [0.400, 0.600] | 0.6 met '
        '| 500.0 | 10 (0.25) | 42 % | equal |'
    )
