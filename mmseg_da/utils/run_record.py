"""How a run came about: command, code, versions, seed."""

from __future__ import annotations

import importlib
import json
import logging
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Optional

from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from .config import REPO_ROOT
from .files import atomic_path

PACKAGES = (
    'mmseg_da',
    'torch',
    'mmengine',
    'mmcv',
    'mmseg',
    'numpy',
    'cv2',
)


def record_run(runner: Runner, resumed_from: Optional[str] = None) -> None:
    """Append this start to ``run.json`` in the work dir.

    Args:
        runner (Runner): Built, about to train.
        resumed_from (str, optional): The checkpoint it goes on from.
    """
    if not is_main_process():
        return
    path = Path(runner.work_dir) / 'run.json'
    starts = _earlier_starts(path)
    starts.append(
        dict(
            command=shlex.join([sys.executable, *sys.argv]),
            time=time.strftime('%Y-%m-%d %H:%M:%S'),
            folder=str(Path.cwd()),
            resumed_from=resumed_from,
            seed=runner.seed,
            processes=runner.world_size,
            git=git_state(),
            versions=dict(
                python=platform.python_version(),
                **{
                    name: importlib.import_module(name).__version__
                    for name in PACKAGES
                },
            ),
        )
    )
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(starts, indent=1) + '\n')


def _earlier_starts(path: Path) -> list:
    try:
        starts = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        starts = None
    if isinstance(starts, list):
        return starts
    # Somebody's file, or a damaged record that still tells something.
    number = 1
    while (aside := path.with_name(f'run.unusable{number}.json')).exists():
        number += 1
    path.rename(aside)
    print_log(
        f'{path} holds no list of starts: it was renamed to {aside.name}, '
        'and a new one is begun.',
        logger='current',
        level=logging.WARNING,
    )
    return []


def git_state() -> Optional[dict]:
    """The project's commit and the files changed since, if it has git.

    Returns:
        dict | None: ``commit`` and ``changed``, a list of paths.
    """
    try:
        commit = _git('rev-parse', 'HEAD').strip()
        status = _git('status', '--porcelain')
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(
        commit=commit, changed=[line[3:] for line in status.splitlines()]
    )


def _git(*words: str) -> str:
    return subprocess.run(
        ['git', *words],
        cwd=REPO_ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
