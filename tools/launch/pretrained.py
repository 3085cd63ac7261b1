"""Checks of pretrained weights, which MMEngine would only warn of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError

import torch
from mmengine.config import Config
from mmengine.model import BaseModule, is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import nn

from launch.config_types import kind_error
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import class_name, iter_dicts


class Pretrained(NamedTuple):
    """Where a config names pretrained weights.

    Args:
        key (str): The key of the file or URL.
        checkpoint (str): The file or URL.
        prefix (str, optional): Prefix of the weights to take.
        switch (str): The key to set to None for training from scratch.
        module (str): Name of the module that takes the weights.
    """

    key: str
    checkpoint: Any
    prefix: str | None
    switch: str
    module: str


def find_pretrained(cfg: Config) -> list[Pretrained]:
    """Find all pretrained weights of a config.

    Raises:
        InputError: If a file is missing.
    """
    found = list(_iter_pretrained(cfg.to_dict()))
    for weights in found:
        checkpoint = weights.checkpoint
        if not isinstance(checkpoint, str):
            expected = 'the path of a .pth file, or a URL'
            raise kind_error(weights.key, checkpoint, expected)
        path = Path(checkpoint).expanduser()
        if '://' not in checkpoint and not path.is_file():
            raise InputError(
                f'The config key {weights.key} is {checkpoint!r}, which is no '
                'file: give a .pth file of weights, or train from scratch '
                f'with --cfg-options {weights.switch}=None.'
            )
    return found


def _iter_pretrained(content: dict) -> Iterator[Pretrained]:
    for part in ('model', 'default_hooks'):
        for path, node in iter_dicts(content.get(part), part):
            module = path.partition('.init_cfg')[0].removeprefix('model')[1:]
            file = node.get('checkpoint')
            if class_name(node.get('type')) in (
                'Pretrained',
                'PretrainedInit',
            ):
                prefix = node.get('prefix')
                key = f'{path}.checkpoint'
                yield Pretrained(key, file, prefix, path, module)
            # The older way. Other models may use this key for something else.
            file = node.get('pretrained')
            if isinstance(file, str) and file.endswith(('.pth', '.pt')):
                key = f'{path}.pretrained'
                yield Pretrained(key, file, None, key, module or 'backbone')


def check_pretrained(model: nn.Module, found: list[Pretrained]) -> None:
    """Check that pretrained weights can be had and fit the model.

    MMEngine warns of weights of which no parameter takes any, and trains
    from random numbers.

    Args:
        model (nn.Module): The model, built from the config.
        found (list): What :func:`find_pretrained` found in the config.

    Raises:
        InputError: If weights cannot be fetched or read, or do not fit.
    """
    if is_model_wrapper(model):
        model = model.module
    modules = dict(model.named_modules())
    for weights in found:
        content = _fetch(weights)
        module = modules.get(weights.module)
        # Others, such as Swin, rename the weights as they load them.
        if getattr(type(module), 'init_weights', 0) is BaseModule.init_weights:
            _check_fits(module, content, weights)


def _check_fits(
    module: nn.Module, content: object, weights: Pretrained
) -> None:
    kind, checkpoint = type(module).__name__, weights.checkpoint
    state = _select(content, weights, kind)
    # Not buffers: num_batches_tracked fits any BatchNorm.
    own = dict(module.named_parameters())
    if own and not any(
        name in own and own[name].shape == getattr(value, 'shape', None)
        for name, value in state.items()
    ):
        raise InputError(
            f'The pretrained weights {checkpoint} fit no parameter of {kind}: '
            f'they are named like {next(iter(state), "")!r}, and {kind} has '
            f'{next(iter(own))!r} of shape '
            f'{tuple(next(iter(own.values())).shape)}; give weights of this '
            "architecture, or their names' prefix as init_cfg.prefix."
        )


def _fetch(weights: Pretrained) -> object:
    key, checkpoint, _, switch, _ = weights
    try:
        return CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    except (URLError, ModuleNotFoundError) as error:
        advice = f'give a local file with --cfg-options {key}=FILE'
        if getattr(error, 'name', None) == 'torchvision':
            advice = (
                'install the torchvision that belongs to torch '
                f'{torch.__version__}, from where that came, or {advice}'
            )
        elif isinstance(error, ModuleNotFoundError):
            raise
        raise InputError(
            f'The pretrained weights {checkpoint} of {switch} cannot be '
            f'fetched ({error}): {advice}, or train from scratch with '
            f'--cfg-options {switch}=None.'
        ) from error


def _select(content: object, weights: Pretrained, kind: str) -> dict:
    """The weights of a checkpoint, or those with the prefix."""
    state = content
    if isinstance(content, dict):
        state = content.get('state_dict', content)
    trouble = ''
    if not isinstance(state, dict):
        trouble = 'No state_dict in it'
    elif weights.prefix is not None:
        prefix = f'{weights.prefix.removesuffix(".")}.'
        state = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
        if not state:
            trouble = f'{prefix} is not in the pretrained weights'
    if trouble:
        raise InputError(
            f'The pretrained weights {weights.checkpoint} cannot be loaded '
            f'into {kind} ({trouble}): give a .pth file with a state dict.'
        )
    return {name.removeprefix('module.'): v for name, v in state.items()}
