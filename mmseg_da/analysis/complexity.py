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
    """The metadata of one image that was not resized, for a segmentor."""
    shape = tuple(shape)
    return [{'img_shape': shape, 'ori_shape': shape, 'pad_shape': shape}]


def count_parameters(model: nn.Module, in_training: bool = True) -> int:
    """Count a segmentor's parameters, shared ones once, without buffers.

    Args:
        model (nn.Module): An MMSegmentation segmentor.
        in_training (bool): Whether auxiliary heads count, which predict
            nothing at test time. Defaults to True.
    """
    return sum(
        value.numel()
        for name, value in model.named_parameters()
        if in_training or not name.startswith('auxiliary_head.')
    )


def count_macs(model: nn.Module, shape: Sequence[int] = (512, 1024)) -> int:
    """Count the multiply-accumulates from one image to its logits.

    Convolutions, matrix products and attention are counted. A multiply and
    its add count as one. Biases, normalisation, activations, pooling and
    resizing do not count. The network runs on PyTorch's meta device, which
    computes shapes only; a network that reads values runs on the CPU.

    Args:
        model (nn.Module): An MMSegmentation segmentor in eval mode.
        shape (Sequence[int]): Height and width of the network's input.
            Defaults to (512, 1024).

    Returns:
        int: Multiply-accumulates, half the floating point operations.

    Example:
        >>> model = init_model('configs/da/bisenet_adv_gta2cs.py')
        >>> count_macs(model, (512, 1024))
        25445933778
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
    """Turn off fused kernels, which PyTorch's counter does not know."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
