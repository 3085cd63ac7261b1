"""Collects the content of the report, for Markdown and HTML."""

import os
import platform
import shlex
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import torch

from launch.run_record import git_state
from mmseg_da.utils.config import load_config
from reproduction.collect import collect_row
from reproduction.experiments import read_json
from reproduction.suites import (
    CLASSES,
    PAPER,
    ROWS,
    SUITES,
    TABLES,
    Row,
    Suite,
)

PACKAGES = ('mmseg_da', 'torch', 'mmengine', 'mmcv', 'mmseg', 'numpy')


def build_report(
    suite: Suite, runs: Path, real: Path, command: list[str]
) -> dict:
    """Collect the content of the report except its pictures.

    Args:
        suite (Suite): The suite to report.
        runs (Path): Folder of its work dirs.
        real (Path): Folder of the work dirs of the suite ``paper``, whose
            numbers the report of the demo shows too.
        command (list[str]): The command that made the report.

    Returns:
        dict: Plain values that JSON can hold.
    """
    folders = {'paper': real, suite.name: runs}
    columns = {'paper': 'Measured'}
    if suite.name != 'paper':
        columns = {suite.name: suite.results, 'paper': 'Real data'}
    tables = []
    for key, title in TABLES.items():
        rows = [_row(row, suite, folders) for row in ROWS if row.table == key]
        note = PAPER.get(key, {}).get('note')
        tables.append(dict(key=key, title=title, note=note, rows=rows))
    return dict(
        suite=suite.name,
        note=suite.note,
        command=shlex.join(['python', *command]),
        date=datetime.now(UTC).strftime('%Y-%m-%d %H:%M UTC'),
        environment=_environment(),
        classes=CLASSES,
        columns=columns,
        tables=tables,
        figures=[],
    )


def _row(row: Row, suite: Suite, folders: dict[str, Path]) -> dict:
    own = {}
    for name, folder in folders.items():
        own[name] = collect_row(row, folder, SUITES[name])
        own[name]['settings'] = _settings(name, row.config)
    benchmarks = (
        read_benchmark(folder / row.name / 'benchmark.json')
        for folder in folders.values()
    )
    return dict(
        name=row.name,
        label=row.label,
        config=row.config,
        paper=row.paper,
        results=own,
        benchmark=next(filter(None, benchmarks), None),
        command=f'python tools/reproduce.py --suite {suite.name} '
        f'--only {row.name}',
    )


def read_benchmark(path: Path) -> dict | None:
    """Read the first entry of a benchmark's JSON; None without a file."""
    content = read_json(path)
    return content[0] if content else None


@lru_cache
def _settings(suite: str, config: str) -> dict:
    cfg = load_config(config, SUITES[suite].options(config))
    dataset = cfg.train_dataloader.dataset
    return dict(
        iterations=cfg.train_cfg.max_iters,
        batch_size=cfg.train_dataloader.batch_size,
        size='{}x{}'.format(*dataset.img_scale),
        seed=cfg.randomness.seed,
    )


def _environment() -> dict[str, str]:
    found = {name: import_module(name).__version__ for name in PACKAGES}
    return {
        'Python': platform.python_version(),
        **found,
        'Machine': f'{platform.system()} {platform.machine()}, '
        f'{os.cpu_count()} CPU cores',
        'GPU': torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else 'none',
        'Source': (git_state() or dict(commit='unknown'))['commit'][:12],
    }
