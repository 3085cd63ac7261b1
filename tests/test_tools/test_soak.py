"""The memory watch of the soak tool."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/analysis/soak.py'
soak = runpy.run_path(str(TOOL))
growth, resident, children = (
    soak[name] for name in ('growth', 'resident', 'children')
)


def test_growth_is_the_slope_after_warm_up():
    samples = [
        dict(iteration=100 * i, training=500 if i < 2 else 700 + 0.5 * i)
        for i in range(10)
    ]
    assert growth(samples, 'training') == pytest.approx(5)


def test_a_process_that_takes_memory_is_seen_to():
    program = (
        'import sys; held = bytearray(64 << 20); held[::4096] = '
        "b'x' * len(held[::4096]); print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, '-c', program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        assert 64 < resident(process.pid) < 200
        assert process.pid in children(os.getpid())
        process.stdin.close()
    assert resident(process.pid) == 0
