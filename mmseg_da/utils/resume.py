"""Finding the checkpoint that a killed run can go on from."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Optional

from mmengine.config import Config


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is there and no bit of it is missing or wrong.

    Args:
        path (Path): A file of ``torch.save``: a zip archive with checksums.

    Returns:
        bool: True if every checksum holds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # damaged files raise whatever they like
        return False


def find_checkpoint(
    work_dir: str | Path, otherwise: str = 'starting anew'
) -> tuple[Optional[Path], str]:
    """Find the newest whole checkpoint of a work dir.

    Args:
        work_dir (str | Path): Where ``last_checkpoint`` and, usually, the
            checkpoints are.
        otherwise (str): What is done if there is none, for the sentence.
            Defaults to 'starting anew'.

    Returns:
        tuple[Path | None, str]: The one that ``last_checkpoint`` names if it
        is whole, else the newest ``iter_*.pth`` or ``epoch_*.pth`` that is,
        else None; and one sentence about it.
    """
    work_dir = Path(work_dir)
    folders = [work_dir]
    trouble = ''
    pointer = work_dir / 'last_checkpoint'
    if pointer.is_file():
        named = Path(pointer.read_text(errors='replace').strip())
        if not named.is_file():
            # The work dir was moved, or the name was cut short.
            named = work_dir / named.name
        if named.is_file() and is_whole(named):
            return named, f'Resuming from {named}.'
        folders.append(named.parent)
        trouble = (
            f' (last_checkpoint names {named.name or "nothing"}, which is '
            f'{"damaged" if named.is_file() else "missing"})'
        )
    for path in _newest_first(folders):
        if is_whole(path):
            return path, f'Resuming from {path}{trouble}.'
        trouble = trouble or f' ({path.name} is damaged)'
    return None, f'Nothing to resume in {work_dir}{trouble}: {otherwise}.'


def resume_from_work_dir(cfg: Config) -> None:
    """Let a config resume its work dir, saying from where, or start anew.

    What ``load_from`` names is resumed only if the work dir holds nothing
    whole: a run that began from it has come further since.
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


def _newest_first(folders: list[Path]) -> list[Path]:
    found = {}
    for folder in folders:
        for path in folder.glob('*.pth'):
            match = re.fullmatch(r'(?:iter|epoch)_(\d+)', path.stem)
            if match:
                found[path.resolve()] = int(match[1])
    return sorted(found, key=found.get, reverse=True)
