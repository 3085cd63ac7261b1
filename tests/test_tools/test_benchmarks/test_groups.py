"""Each group runs, and finds equal results."""

import pytest

from benchmarks import Settings, run_suite


@pytest.mark.parametrize(
    'name',
    [
        'adaptation',
        'batch norm',
        'data',
        'evaluation',
        'losses',
        'training',
    ],
)
def test_results_are_equal(name):
    results = run_suite(Settings(quick=True), [name])
    cases = [
        case
        for comparison in results['comparisons']
        for case in comparison['cases']
    ]
    assert len(cases) >= 2
    assert {case['status'] for case in cases} == {'ok'}
