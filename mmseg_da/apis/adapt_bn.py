"""Adapt a trained network's BatchNorm to a target without training."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.models import BaseSegmentor
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from mmseg_da.errors import InputError
from mmseg_da.utils import explain_build_errors
from mmseg_da.utils.config_tree import find_target_loader


@torch.no_grad()
def adapt_bn(model: BaseSegmentor, loader: Iterable[dict]) -> None:
    """Replace BatchNorm's running statistics by those of other images.

    Adaptive Batch Normalization (Li et al., 2016): means and variances are
    averaged over the batches, the weights stay. The model is changed. Layers
    that no image passes, such as an auxiliary head's, keep their statistics.

    Args:
        model (BaseSegmentor): A trained segmentor, on the device to use.
        loader (Iterable[dict]): Whole batches as MMSegmentation's data
            loaders give them, each image once. Labels are not used.

    Raises:
        InputError: If the model has no BatchNorm.

    Example:
        >>> model = init_model(config, 'best.pth')
        >>> adapt_bn(model, Runner.build_dataloader(loader_cfg))
        >>> torch.save({'state_dict': model.state_dict()}, 'best_bn.pth')
    """
    check_batch_norm(model)
    was_training = model.training
    model.train()
    calls = _Calls(model)
    with _cumulative_averages(calls.layers):
        for batch in loader:
            inputs = model.data_preprocessor(batch, True)['inputs']
            with calls:
                model(inputs)
    model.train(was_training)


class _EndOfPass(Exception):
    """Nothing after the last BatchNorm layer is needed."""


class _Calls:
    """Ends each pass but the first at the last call of a BatchNorm layer."""

    def __init__(self, model: nn.Module) -> None:
        self.layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
        self.last: int | None = None

    def _count(self, *_) -> None:
        self.number += 1
        if self.number == self.last:
            raise _EndOfPass

    def __enter__(self) -> None:
        self.number = 0
        self.handles = [
            layer.register_forward_hook(self._count) for layer in self.layers
        ]

    def __exit__(self, kind, *_) -> bool:
        for handle in self.handles:
            handle.remove()
        self.last = max(self.last or 0, self.number)
        return kind is _EndOfPass


@contextmanager
def _cumulative_averages(layers: list[_BatchNorm]) -> Iterator[None]:
    """Start the layers' statistics anew, as averages over all calls."""
    before = []
    for layer in layers:
        buffers = [buffer.clone() for buffer in layer.buffers()]
        before.append((layer, layer.momentum, buffers))
        layer.reset_running_stats()
        layer.momentum = None
    try:
        yield
    finally:
        for layer, momentum, buffers in before:
            layer.momentum = momentum
            if layer.num_batches_tracked == 0:
                for buffer, old in zip(layer.buffers(), buffers):
                    buffer.copy_(old)


def check_batch_norm(model: BaseSegmentor) -> None:
    """Raise an InputError if a model has no BatchNorm to adapt."""
    if not any(isinstance(m, _BatchNorm) for m in model.modules()):
        raise InputError(
            f'This {type(model).__name__} has no BatchNorm, so that there is '
            'nothing to adapt: use the checkpoint as it is.'
        )


def build_target_loader(
    cfg: Config, num_images: int | None = None
) -> DataLoader:
    """Build a loader of whole target batches, each image once, in order.

    Args:
        cfg (Config): An adaptation config.
        num_images (int, optional): Take as many images, evenly spread.
            Defaults to all.

    Returns:
        DataLoader: Of the config's target.

    Raises:
        InputError: If the config names no target, or there are fewer images
            than one batch.
    """
    key, target = find_target_loader(cfg) or (None, None)
    if target is None:
        raise InputError(
            f'{cfg.filename} names no target: give an adaptation config of '
            'the same model, with a hook that has a target_dataloader.'
        )
    source = cfg.train_dataloader
    loader_cfg = dict(
        batch_size=source.batch_size,
        num_workers=source.get('num_workers', 0),
    )
    loader_cfg.update(copy.deepcopy(dict(target)))
    # The average over batches would give the images of a smaller last batch
    # more weight.
    loader_cfg.update(
        sampler=dict(type='DefaultSampler', shuffle=False), drop_last=True
    )
    with explain_build_errors(cfg):
        loader = Runner.build_dataloader(loader_cfg, seed=0)
    count = len(loader.dataset)
    if num_images is not None and num_images < count:
        indices = [i * count // num_images for i in range(num_images)]
        loader_cfg.update(dataset=loader.dataset, sampler=indices)
        loader = Runner.build_dataloader(loader_cfg, seed=0)
        count = num_images
    if len(loader) == 0:
        raise InputError(
            f'The target has {count} image(s), fewer than one batch of '
            f'{loader.batch_size}: give more images, or a smaller '
            f'--cfg-options {key}.batch_size.'
        )
    return loader
