"""Adapt a trained network's BatchNorm to a target without training."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from mmseg.models import BaseSegmentor
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_da.errors import InputError


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
