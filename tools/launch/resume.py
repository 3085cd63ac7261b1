"""Finding the checkpoint that a stopped run can go on from."""

import os
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from launch.cli import DISK_ERRORS
from mmseg_da.errors import InputError

BATCH_OF_ONE = 'Expected more than 1 value per channel'


def is_whole(path: Path) -> bool:
    """Whether a checkpoint exists and is undamaged.

    Args:
        path (Path): A file written by ``torch.save``, which is a zip archive
            with checksums.

    Returns:
        bool: True if every checksum is right.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # Damaged files raise anything.
        return False


def named_checkpoint(work_dir: Path) -> Path:
    """The file that ``last_checkpoint`` names, the work dir's own if there.

    The path of a moved or copied work dir may be another run's by now. An
    empty ``last_checkpoint`` names the work dir itself.
    """
    text = (work_dir / 'last_checkpoint').read_text(errors='replace')
    named = Path(text.strip())
    own = work_dir / named.name
    if not named.is_file() or (own.is_file() and not own.samefile(named)):
        return own
    return named


def find_checkpoint(
    work_dir: str | Path, otherwise: str = 'starting anew'
) -> tuple[Path | None, str]:
    """Find the newest whole checkpoint of a work dir.

    Args:
        work_dir (str | Path): Folder with ``last_checkpoint`` and, usually,
            the checkpoints.
        otherwise (str): What the program does without a checkpoint, for the
            sentence. Defaults to 'starting anew'.

    Returns:
        tuple[Path | None, str]: The checkpoint that ``last_checkpoint``
        names if that is whole, else the newest whole ``iter_*.pth`` or
        ``epoch_*.pth``, else None; and one sentence about it.
    """
    work_dir = Path(work_dir)
    folders = [work_dir]
    trouble = ''
    if (work_dir / 'last_checkpoint').is_file():
        named = named_checkpoint(work_dir)
        name = '' if named == work_dir else named.name
        if named.is_file() and is_whole(named):
            return named, f'Resuming from {named}.'
        if name:
            folders.append(named.parent)
        trouble = (
            f' (last_checkpoint names {name or "nothing"}, which is '
            f'{"damaged" if named.is_file() else "missing"})'
        )
    for path in _newest_first(folders):
        if is_whole(path):
            return path, f'Resuming from {path}{trouble}.'
        trouble = trouble or f' ({path.name} is damaged)'
    return None, f'Nothing to resume in {work_dir}{trouble}: {otherwise}.'


def resume_from_work_dir(cfg: Config) -> None:
    """Set a config to resume from its work dir, and print from where.

    The checkpoint of ``load_from`` is resumed only if the work dir has no
    whole checkpoint, since a run that started from it is further ahead.
    """
    named = cfg.get('load_from')
    otherwise = f'resuming from load_from, {named}' if named else ''
    checkpoint, sentence = find_checkpoint(
        cfg.work_dir, otherwise or 'starting anew'
    )
    if checkpoint and named:
        sentence = f'{sentence[:-1]}, not from load_from, {named}.'
    if os.environ.get('RANK', '0') == '0':
        print(sentence, flush=True)
    cfg.load_from = str(checkpoint) if checkpoint else named
    cfg.resume = cfg.load_from is not None


@contextmanager
def explain_stop(work_dir: str) -> Iterator[None]:
    """Say in one sentence why a training stopped and what was saved.

    Args:
        work_dir (str): Where the training writes its checkpoints.

    Raises:
        InputError: If the disk is full or cannot be written to, if a logger
            is not installed, or if BatchNorm gets a single value.
        SystemExit: With status 130, after Ctrl-C.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        # MMEngine turns any error while it formats a config into another.
        if KeyboardInterrupt in map(type, (error, error.__context__)):
            print(f'Stopped by Ctrl-C: {_saved(work_dir)}.', file=sys.stderr)
            sys.exit(130)
        reason = _reason(error, work_dir)
        if reason is None:
            raise
        raise InputError(f'{reason}; {_saved(work_dir)}.') from error


def _reason(error: BaseException, work_dir: str) -> str | None:
    text = ' '.join(str(error).split())
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return (
            f'The work dir {work_dir} cannot be written to '
            f'({error.strerror}): free some space, or give another --work-dir'
        )
    if type(error) is ImportError:  # MMEngine's, for loggers.
        return (
            f'A package that the config needs is not installed ({text}): '
            'install it, or remove its part of visualizer.vis_backends'
        )
    if text.startswith(BATCH_OF_ONE):
        return (
            'BatchNorm cannot train on a single value '
            f'({text.rpartition(", got ")[2]}), for example after pooling a '
            'batch of 1 to 1x1: set the batch_size of train_dataloader and '
            'of the target to at least 2, with drop_last=True, or change '
            'norm_cfg'
        )
    return None


def _saved(work_dir: str) -> str:
    checkpoint, _ = find_checkpoint(work_dir)
    if checkpoint is None:
        return 'no checkpoint was saved'
    return f'the last checkpoint is {checkpoint}, and --resume goes on from it'


def _newest_first(folders: list[Path]) -> list[Path]:
    found = {}
    for folder in folders:
        for path in folder.glob('*.pth'):
            match = re.fullmatch(r'(?:iter|epoch)_(\d+)', path.stem)
            if match:
                found[path.resolve()] = int(match[1])
    return sorted(found, key=found.get, reverse=True)
