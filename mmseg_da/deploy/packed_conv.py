"""Convolutions for oneDNN, with weights kept packed and the ReLU fused.

On a CPU, PyTorch's convolution packs its weights at each call, and the ReLU
and the residual sum pass over the result again. TorchInductor's operators do
neither. Here they are called without a compiler.
"""

import torch
from torch import Tensor, nn


def can_pack(conv: nn.Module) -> bool:
    """Whether a convolution can be packed on this machine.

    In bf16 it can on processors with AVX-512 or newer only.
    """
    return (
        type(conv) is nn.Conv2d
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
    """A convolution, an optional residual sum, an optional ReLU.

    The weights are packed for the shape of the input, anew when it changes.

    Args:
        conv (nn.Conv2d): On the CPU, with BatchNorm folded into it.
        relu (bool): Whether a ReLU comes last. Defaults to False.

    Shape:
        - Input: ``(N, C_in, H, W)`` and, optionally, a map of the output's
          shape that is added to it before the ReLU.
        - Output: ``(N, C_out, H', W')`` in channels-last.
    """

    def __init__(self, conv: nn.Conv2d, relu: bool = False) -> None:
        super().__init__()
        self.geometry = conv.padding, conv.stride, conv.dilation, conv.groups
        self.relu = 'relu' if relu else 'none'
        self.unpacked = conv.weight.detach()
        self.packed_for: torch.Size | None = None
        self.bias = None if conv.bias is None else conv.bias.detach()

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        if x.shape != self.packed_for:
            # With a layout for another shape oneDNN packs them again at each
            # call, which can take longer than the convolution itself.
            self.weight = torch._C._nn.mkldnn_reorder_conv2d_weight(
                self.unpacked.to_mkldnn(), *self.geometry, x.shape
            )
            self.packed_for = x.shape
        convolve = torch.ops.mkldnn._convolution_pointwise
        packed = self.weight, self.bias, *self.geometry
        if residual is None:
            return convolve(x, *packed, self.relu, [], '')
        relu = None if self.relu == 'none' else self.relu
        return convolve.binary(
            x, residual, *packed, 'add', 1.0, relu, [], None
        )
