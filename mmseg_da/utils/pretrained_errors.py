"""Explain pretrained weights that are missing or do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.error import URLError

import torch
from mmengine.config import Config
from mmengine.model.weight_init import PretrainedInit
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch import nn

from ..errors import InputError
from .config_types import class_name, dicts, wrong

_initialize = PretrainedInit.__call__
_load_state_dict = mmengine_checkpoint.load_state_dict


class _Pretrained(NamedTuple):
    """Where a config names pretrained weights."""

    key: str
    checkpoint: Any
    switch: str  # The key that is None where nothing is pretrained.


@contextmanager
def explain_missing_weights(cfg: Config) -> Iterator[None]:
    """Say in one sentence which pretrained weights cannot be used.

    Local files are looked for at once. Weights of which no parameter takes
    any are refused when they are loaded: MMEngine warns, and would train from
    random numbers.

    Args:
        cfg (Config): The config in use, searched for ``Pretrained``.

    Raises:
        InputError: If the weights are missing, cannot be fetched, or do not
            fit.
    """
    found = list(_pretrained(cfg))
    for weights in found:
        _check_file(weights)
    try:
        with patch.object(PretrainedInit, '__call__', _initialize_or_refuse):
            yield
    except (URLError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and (
            error.name != 'torchvision'
        ):
            raise
        if not found:
            raise
        # A local file needs no fetching.
        remote = [one for one in found if '://' in one.checkpoint]
        key, checkpoint, switch = (remote or found)[0]
        first = ''
        if isinstance(error, ModuleNotFoundError):
            first = (
                f'install the torchvision that belongs to torch '
                f'{torch.__version__}, from where that came, or '
            )
        raise InputError(
            f'The pretrained weights {checkpoint} of {switch} cannot be '
            f'fetched ({error}): {first}give a local file with --cfg-options '
            f'{key}=FILE, or train from scratch with '
            f'--cfg-options {switch}=None.'
        ) from error


def _pretrained(cfg: Config) -> Iterator[_Pretrained]:
    content = cfg.to_dict()
    for part in ('model', 'default_hooks'):
        for path, node in dicts(content.get(part), part):
            kind = class_name(node.get('type'))
            if kind in ('Pretrained', 'PretrainedInit'):
                key = f'{path}.checkpoint'
                yield _Pretrained(key, node.get('checkpoint'), path)
            # The older way; a model of a third party may take other words.
            file = node.get('pretrained')
            if isinstance(file, str) and file.endswith(('.pth', '.pt')):
                key = f'{path}.pretrained'
                yield _Pretrained(key, file, key)


def _check_file(weights: _Pretrained) -> None:
    key, checkpoint, switch = weights
    if not isinstance(checkpoint, str):
        raise wrong(key, checkpoint, 'the path of a .pth file, or a URL')
    if '://' not in checkpoint and not Path(checkpoint).expanduser().is_file():
        raise InputError(
            f'The config key {key} is {checkpoint!r}, which is no file: give '
            'a .pth file of weights, or train from scratch with '
            f'--cfg-options {switch}=None.'
        )


def _initialize_or_refuse(self: PretrainedInit, module: nn.Module) -> None:
    """Stands for ``PretrainedInit.__call__``."""
    kind = type(module).__name__

    def load(model: nn.Module, state: dict, *args, **kwargs) -> None:
        # Not buffers: num_batches_tracked fits any BatchNorm.
        own = dict(model.named_parameters())
        if own and not any(
            name in own and own[name].shape == getattr(value, 'shape', None)
            for name, value in state.items()
        ):
            raise InputError(
                f'The pretrained weights {self.checkpoint} fit no parameter '
                f'of {kind}: they are named like {next(iter(state), "")!r}, '
                f'and {kind} has {next(iter(own))!r} of shape '
                f'{tuple(next(iter(own.values())).shape)}; give weights of '
                "this architecture, or their names' prefix as init_cfg.prefix."
            )
        _load_state_dict(model, state, *args, **kwargs)

    try:
        with patch.object(mmengine_checkpoint, 'load_state_dict', load):
            _initialize(self, module)
    except (AssertionError, AttributeError, RuntimeError, TypeError) as error:
        raise InputError(
            f'The pretrained weights {self.checkpoint} cannot be loaded into '
            f'{kind} ({" ".join(str(error).split())}): give a .pth file with '
            'a state dict.'
        ) from error
