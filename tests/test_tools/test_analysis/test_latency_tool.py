import json
import runpy
from pathlib import Path

import pytest

from mmseg_da.errors import InputError

ROOT = Path(__file__).parents[3]
CONFIG = 'configs/da/bisenet_adv_gta2cs.py'
latency = runpy.run_path(str(ROOT / 'tools/analysis/latency.py'))['main']


def test_prints_a_row_for_each_config_and_precision(capsys, tmp_path):
    out = tmp_path / 'rows.json'
    arguments = '--shape 32 64 --iters 2 --warmup 0 --device cpu --amp'
    results = latency([CONFIG, CONFIG, *arguments.split(), '--out', str(out)])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith('| bisenet_adv')]
    assert len(rows) == len(results) == 4
    assert [r['precision'] for r in results] == ['fp32', 'AMP bf16'] * 2
    assert '12.05 M (12.07 M)' in rows[0]
    assert f'{results[0]["latency_ms"]:.2f} ms' in rows[0]
    assert f'| {results[0]["fps"]:.1f} |' in rows[0]
    assert f'| {results[0]["macs"] / 1e9:.2f} G |' in rows[0]
    assert json.loads(out.read_text())[0]['macs'] == results[0]['macs']


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match='--shape is 0 5'):
        latency([CONFIG, '--shape', '0', '5'])
    with pytest.raises(InputError, match='--device nonesuch'):
        latency([CONFIG, '--device', 'nonesuch'])
