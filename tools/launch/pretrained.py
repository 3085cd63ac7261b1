"""Checks of pretrained weights, which MMEngine would only warn of."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import torch
from mmengine.config import Config
from mmengine.model import BaseModule, is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import nn

from launch.config_types import class_name, kind_error
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import iter_dicts

KINDS = ('Pretrained', 'PretrainedInit')


class Pretrained(NamedTuple):
    """Where a config names pretrained weights."""

    key: str  # of the file or URL
    checkpoint: str
    prefix: str | None  # of the weights to take
    switch: str  # the key to set to None for training from scratch
    module: str  # the module of the model that takes the weights


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
    for top in ('model', 'default_hooks', 'custom_hooks'):
        for path, node in iter_dicts(content.get(top), top):
            module = path.partition('.init_cfg')[0].removeprefix('model')[1:]
            if class_name(node.get('type')) in KINDS:
                checkpoint, prefix = node.get('checkpoint'), node.get('prefix')
                key = f'{path}.checkpoint'
                yield Pretrained(key, checkpoint, prefix, path, module)
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
    subject = f'The pretrained weights {weights.checkpoint}'
    kind = type(module).__name__
    is_dict = isinstance(content, dict)
    state = content.get('state_dict', content) if is_dict else content
    trouble = '' if isinstance(state, dict) else 'No state_dict in it'
    if weights.prefix is not None and not trouble:
        prefix = f'{weights.prefix.removesuffix(".")}.'
        state = {k: v for k, v in state.items() if k.startswith(prefix)}
        state = {k.removeprefix(prefix): v for k, v in state.items()}
        if not state:
            trouble = f'{prefix} is not in the pretrained weights'
    if trouble:
        raise InputError(
            f'{subject} cannot be loaded into {kind} ({trouble}): give a .pth '
            'file with a state dict.'
        )
    # Not buffers: num_batches_tracked fits any BatchNorm.
    own = {k: v.shape for k, v in module.named_parameters()}
    shapes = {
        k.removeprefix('module.'): getattr(v, 'shape', None)
        for k, v in state.items()
    }
    if own and not own.items() & shapes.items():
        name, shape = next(iter(own.items()))
        raise InputError(
            f'{subject} fit no parameter of {kind}: they are named like '
            f'{next(iter(shapes), "")!r}, and {kind} has {name!r} of shape '
            f'{tuple(shape)}; give weights of this architecture, or their '
            "names' prefix as init_cfg.prefix."
        )


def _fetch(weights: Pretrained) -> object:
    key, checkpoint, _, switch, _ = weights
    try:
        return CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    except (URLError, ModuleNotFoundError) as error:
        advice = f'give a local file with --cfg-options {key}=FILE'
        if isinstance(error, ModuleNotFoundError):
            if error.name != 'torchvision':
                raise
            advice = (
                'install the torchvision that belongs to torch '
                f'{torch.__version__}, from where that came, or {advice}'
            )
        raise InputError(
            f'The pretrained weights {checkpoint} of {switch} cannot be '
            f'fetched ({error}): {advice}, or train from scratch with '
            f'--cfg-options {switch}=None.'
        ) from error
