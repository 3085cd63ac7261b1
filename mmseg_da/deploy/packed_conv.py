"""Convolutions with their weights laid out once and what follows joined on.

On a CPU PyTorch's convolution lays the weights out anew at each call, and its
ReLU and residual sum pass over the result again. The operators that
TorchInductor calls do neither; they are called here without a compiler.
"""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn


def can_pack(conv: nn.Module) -> bool:
    """Whether a convolution has a packed form where it is.

    In bf16 it has one only on a processor with AVX512 or newer; unpacked,
    PyTorch runs it on any.
    """
    return (
        isinstance(conv, nn.Conv2d)
        and conv.weight.device.type == 'cpu'
        and conv.weight.dtype in (torch.float32, torch.bfloat16)
        and isinstance(conv.padding, tuple)
        and conv.padding_mode == 'zeros'
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, '_convolution_pointwise')
        and (conv.weight.dtype != torch.bfloat16 or _packs_bf16())
    )


def _packs_bf16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


class PackedConv2d(nn.Module):
    """A convolution, then a residual sum and a ReLU if there are such.

    Args:
        conv (nn.Conv2d): On the CPU; BN is folded into it already.
        relu (bool): Whether a ReLU comes last. Defaults to False.
        shape (tuple): Shape of an input. The layout of the weights is chosen
            for it and is right for all others.

    Shape:
        - Input: ``(N, C_in, H, W)`` and, optionally, a map of the output's
          shape that is added to it before the ReLU.
        - Output: ``(N, C_out, H', W')`` in channels-last.
    """

    def __init__(
        self, conv: nn.Conv2d, relu: bool = False, shape: tuple = ()
    ) -> None:
        super().__init__()
        self.geometry = conv.padding, conv.stride, conv.dilation, conv.groups
        self.relu = 'relu' if relu else 'none'
        self.weight = torch._C._nn.mkldnn_reorder_conv2d_weight(
            conv.weight.detach().to_mkldnn(), *self.geometry, shape or None
        )
        self.bias = None if conv.bias is None else conv.bias.detach()

    def forward(self, x: Tensor, residual: Optional[Tensor] = None) -> Tensor:
        if residual is None:
            return torch.ops.mkldnn._convolution_pointwise(
                x, self.weight, self.bias, *self.geometry, self.relu, [], ''
            )
        return torch.ops.mkldnn._convolution_pointwise.binary(
            x,
            residual,
            self.weight,
            self.bias,
            *self.geometry,
            'add',
            1.0,
            None if self.relu == 'none' else self.relu,
            [],
            None,
        )
