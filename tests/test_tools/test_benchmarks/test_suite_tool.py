"""The command, as a user runs it."""

import json
import runpy
from pathlib import Path

import pytest

from mmseg_da.errors import InputError

ROOT = Path(__file__).parents[3]
suite = runpy.run_path(str(ROOT / 'tools/analysis/benchmark_suite.py'))['main']


def test_quick_run_of_inference(tmp_path, capsys):
    arguments = ['--quick', '--only', 'inference', '--device', 'cpu']
    results = suite([*arguments, '--out', str(tmp_path)])
    saved = json.loads((tmp_path / 'benchmark.json').read_text())
    assert saved['comparisons'] == results['comparisons']
    assert '--quick --only inference' in saved['command']
    assert saved['matmul_gflops']['float32'] > 0
    printed = capsys.readouterr().out
    for comparison in results['comparisons']:
        assert f'### {comparison["title"]}' in printed
        statuses = {case['status'] for case in comparison['cases']}
        assert statuses <= {'ok', 'skipped'}
        assert comparison['cases'][0]['ratio'] == 1


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match="no group 'nonesuch'.*inference"):
        suite(['--quick', '--only', 'nonesuch'])
    with pytest.raises(InputError, match='--rounds 0'):
        suite(['--rounds', '0'])
