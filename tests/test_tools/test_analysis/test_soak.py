"""The memory watch of the soak tool."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_da.errors import InputError

TOOL = Path(__file__).parents[3] / 'tools/analysis/soak.py'
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


def fabricated(training, workers):
    """Samples with these growths, in MiB per 1,000 iterations."""
    return [
        dict(
            iteration=50 * i,
            seconds=i,
            training=500 + training * i / 20,
            workers=300 + workers * i / 20,
        )
        for i in range(20)
    ]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The tool, watching fabricated samples."""

    def run(samples, *words):
        namespace = soak['main'].__globals__
        monkeypatch.setitem(namespace, 'watch', lambda *_: samples)
        folders = '--work-dir', str(tmp_path), '--out', str(tmp_path / 'out')
        soak['main'](['configs/demo/bisenet_adv.py', *folders, *words])

    return run


def test_steady_memory_passes(run, tmp_path):
    run(fabricated(1.9, -3))
    run(fabricated(1.9, 4), '--limit', '4.5')
    assert (tmp_path / 'out/soak.png').exists()


@pytest.mark.parametrize(
    ('growths', 'name'), [((2.1, 0), 'training'), ((1.9, 8), 'workers')]
)
def test_growing_memory_fails(run, tmp_path, growths, name):
    with pytest.raises(
        InputError,
        match=rf'memory of {name} grows by {max(growths):.2f} MiB per 1,000 '
        'iterations, expected at most 2: ',
    ):
        run(fabricated(*growths))
    # What it looks like is kept.
    assert (tmp_path / 'out/soak.json').exists()
    assert (tmp_path / 'out/soak.png').exists()


def test_growing_memory_ends_the_program_with_an_error(tmp_path):
    """The exit status that a script sees."""
    program = (
        'import runpy, sys; '
        f'check = runpy.run_path({str(TOOL)!r})["check_growth"]\n'
        'from launch.cli import one_sentence_errors\n'
        'with one_sentence_errors(): check(dict(training=9.0), 2.0)'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert 'grows by 9.00 MiB' in done.stderr
    assert 'Traceback' not in done.stderr


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
