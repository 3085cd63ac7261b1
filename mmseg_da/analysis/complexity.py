"""Parameters and multiply-accumulates of a network."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def image_metas(shape: Sequence[int]) -> list[dict]:
    """What a segmentor has to know of one image that nothing resized."""
    shape = tuple(shape)
    return [{'img_shape': shape, 'ori_shape': shape, 'pad_shape': shape}]


def count_parameters(model: nn.Module) -> int:
    """Count a model's parameters, shared ones once, buffers not at all."""
    return sum(p.numel() for p in model.parameters())


def count_macs(model: nn.Module, shape: Sequence[int] = (512, 1024)) -> int:
    """Count the multiply-accumulates of one image's way to its logits.

    Convolutions, matrix products and attention are counted, each multiply
    with its add once; biases, normalisation, activations, pooling and
    resizing are not. The count runs on shapes alone (PyTorch's meta device);
    a network that looks at values is run on the CPU.

    Args:
        model (nn.Module): An MMSegmentation segmentor in eval mode.
        shape (Sequence[int]): Height and width of the network's input.
            Defaults to (512, 1024).

    Returns:
        int: Multiply-accumulates; twice as many floating point operations.
    """
    try:
        return _count(copy.deepcopy(model).to('meta'), shape, 'meta')
    except (NotImplementedError, RuntimeError):
        return _count(model, shape, 'cpu')


def _count(model: nn.Module, shape: Sequence[int], device: str) -> int:
    image = torch.zeros(1, 3, *shape, device=device)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), _plain_attention():
        logits: Tensor = model.encode_decode(image, image_metas(shape))
    assert logits.shape[2:] == tuple(shape)
    return counter.get_total_flops() // 2


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Keep PyTorch from fused kernels that its counter does not know."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
