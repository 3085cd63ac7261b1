"""What to say when ImageNet weights cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError

import torch
from mmengine.config import Config

from ..errors import InputError


@contextmanager
def explain_missing_weights(cfg: Config) -> Iterator[None]:
    """Turn a failed fetch of pretrained weights into one sentence.

    Args:
        cfg (Config): The config in use, searched for ``Pretrained``.

    Raises:
        InputError: If the weights cannot be fetched.
    """
    try:
        yield
    except (URLError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and (
            error.name != 'torchvision'
        ):
            raise
        found = list(_pretrained(cfg.model, 'model'))
        if not found:
            raise
        key, checkpoint = found[0]
        first = ''
        if isinstance(error, ModuleNotFoundError):
            first = (
                f'install the torchvision that belongs to torch '
                f'{torch.__version__}, from where that came, or '
            )
        raise InputError(
            f'The pretrained weights {checkpoint} of {key} cannot be fetched '
            f'({error}): {first}give a local file with --cfg-options '
            f'{key}.checkpoint=FILE, or train from scratch with '
            f'--cfg-options {key}=None.'
        ) from error


def _pretrained(node, key: str) -> Iterator[tuple[str, str]]:
    if not isinstance(node, dict):
        return
    init = node.get('init_cfg')
    if isinstance(init, dict) and init.get('type') == 'Pretrained':
        yield f'{key}.init_cfg', init['checkpoint']
    for name, child in node.items():
        yield from _pretrained(child, f'{key}.{name}')
