"""A record of each start of a run: command, code, environment, seed."""

import json
import logging
import shlex
import subprocess
import sys
import time
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.utils import collect_env

from mmseg_da import __version__
from mmseg_da.utils.config import REPO_ROOT
from mmseg_da.utils.files import atomic_path


def record_run(runner: Runner, resumed_from: str | None = None) -> None:
    """Append this start to ``run.json`` in the work dir.

    Args:
        runner (Runner): The runner that is about to train.
        resumed_from (str, optional): The checkpoint from which it goes on.
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
            environment=dict(
                mmseg_da=__version__,
                **{key: str(value) for key, value in collect_env().items()},
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
    # Another program's file, or a damaged record that is still of use.
    number = 1
    while (aside := path.with_name(f'run.unusable{number}.json')).exists():
        number += 1
    path.rename(aside)
    print_log(
        f'{path} is not a list of starts: it was renamed to {aside.name}, '
        'and a new list is begun.',
        logger='current',
        level=logging.WARNING,
    )
    return []


def git_state() -> dict | None:
    """The project's commit and the files changed since, if git knows it.

    Returns:
        dict | None: ``commit`` and ``changed``, a list of paths.
    """
    if not (REPO_ROOT / '.git').exists():
        # Installed from a wheel, perhaps inside of another repository.
        return None
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
