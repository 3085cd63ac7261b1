"""Reads the results of rows from their work dirs."""

from pathlib import Path

from launch.resume import named_checkpoint
from reproduction.experiments import (
    fingerprint,
    read_json,
    read_scalars,
)
from reproduction.suites import Row, Suite


def collect_row(row: Row, out: Path, suite: Suite) -> dict:
    """Collect the results of a row.

    The numbers are those of the best validation, as in the paper.

    Args:
        row (Row): The row.
        out (Path): Folder of the work dirs.
        suite (Suite): The suite that ran in these work dirs.

    Returns:
        dict: ``state`` ('not run', 'not finished', 'failed', 'done', or 'of
        another version': the config has changed since, and the numbers are
        left out), ``error``, ``seconds``, ``command`` (its words), ``mIoU``
        and ``IoU`` by class in percent, ``iteration`` of that validation, and
        ``curves`` (``loss`` and ``mIoU``, pairs of iteration and value).
    """
    work_dir = out / row.name
    experiment = read_json(work_dir / 'experiment.json')
    status = read_json(work_dir / 'status.json')
    result = dict(
        state='not run',
        error=status.get('error'),
        seconds=status.get('seconds'),
        command=experiment.get('command'),
    )
    known = experiment.get('fingerprint')
    if known and known != fingerprint(row.config, suite.options(row.config)):
        result['state'] = 'of another version'
        result['curves'] = dict(loss=[], mIoU=[])
        return result
    if result['error']:
        result['state'] = 'failed'
    elif 'metrics' in experiment:
        result['state'] = 'done'
    elif experiment:
        result['state'] = 'not finished'
    losses, validations = read_scalars(work_dir)
    result['curves'] = dict(
        loss=list(losses.items()),
        mIoU=[(step, metrics['mIoU']) for step, metrics in validations],
    )
    if result['state'] == 'done' and validations:
        step, metrics = max(validations, key=lambda pair: pair[1]['mIoU'])
        result['iteration'] = step
        result['mIoU'] = metrics['mIoU']
        result['IoU'] = {
            key.removeprefix('IoU.'): value
            for key, value in metrics.items()
            if key.startswith('IoU.')
        }
    return result


def best_checkpoint(work_dir: Path) -> Path | None:
    """Find the checkpoint of the best validation, else the last one."""
    best = sorted(work_dir.glob('best_mIoU_iter_*.pth'), key=_modified)
    if best:
        return best[-1]
    if not (work_dir / 'last_checkpoint').exists():
        return None
    last = named_checkpoint(work_dir)
    # The work dir may have been moved since.
    return next((p for p in (last, work_dir / last.name) if p.exists()), None)


def _modified(path: Path) -> float:
    return path.stat().st_mtime
