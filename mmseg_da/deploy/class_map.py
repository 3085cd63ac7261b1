"""Turn logits at a fraction of the size into the class of each pixel."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# Side in pixels of the blocks of the output that are decided together.
BLOCK = 16
# The largest number of floats that is computed at a time.
CHUNK = 2**21

Size = tuple[int, int]


class Axis(NamedTuple):
    """How the output is interpolated from the logits along one axis."""

    at: Tensor  # (blocks, span): the logits that a block depends on
    weights: Tensor  # (blocks, BLOCK, span): their weights


def class_map(
    logits: Tensor, sizes: Sequence[Size], align_corners: bool = False
) -> Tensor:
    """Upsample logits bilinearly, step by step, and take the largest.

    Computes ``F.interpolate`` to each size and then ``argmax``, except for
    ties within rounding, without ever holding all classes at full size. An
    interpolated logit is a weighted mean of its neighbours. So where one
    class is the largest in all logits that a block of pixels depends on, it
    is the largest in the whole block. Only the other blocks, which lie on
    borders between classes, are interpolated. On CUDA everything is
    interpolated, since counting the blocks would stall the queue.

    Args:
        logits (Tensor): ``(N, C, h, w)``.
        sizes (Sequence[tuple[int, int]]): Heights and widths, usually those
            of the network's input and of the image. The last one is the
            output's.
        align_corners (bool): As in ``F.interpolate``. Defaults to False.

    Returns:
        Tensor: ``(N, H, W)``, uint8, or int64 with more than 256 classes.
    """
    dtype = torch.uint8 if logits.shape[1] <= 256 else torch.int64
    if logits.device.type != 'cpu':
        for size in sizes:
            logits = F.interpolate(
                logits, size, mode='bilinear', align_corners=align_corners
            )
        return logits.argmax(1).to(dtype)
    logits = logits.float()
    rows, columns = (
        _axis(length, lengths, align_corners)
        for length, lengths in zip(logits.shape[2:], zip(*sizes))
    )
    maps = [_one_map(one, rows, columns, sizes[-1], dtype) for one in logits]
    return torch.stack(maps)


def _one_map(
    logits: Tensor, rows: Axis, columns: Axis, size: Size, dtype: torch.dtype
) -> Tensor:
    # The class of the largest logit, and which blocks depend on several.
    classes = logits.argmax(0).to(torch.int32)
    windows = classes[rows.at[:, None, :, None], columns.at[:, None]]
    first = windows[..., 0, 0]
    mixed = (windows != first[..., None, None]).flatten(2).any(2)
    blocks = first.to(dtype)[..., None, None].repeat(1, 1, BLOCK, BLOCK)
    chunk = max(1, CHUNK // (len(logits) * BLOCK * BLOCK))
    for row, column in zip(*(at.split(chunk) for at in mixed.nonzero().T)):
        # (K, span, span, C), (K, span, BLOCK, C) and (K, BLOCK, BLOCK * C).
        corners = logits.permute(1, 2, 0)[
            rows.at[row, :, None], columns.at[column, None]
        ]
        across = columns.weights[column][:, None] @ corners
        down = rows.weights[row] @ across.flatten(2)
        decided = down.unflatten(2, (BLOCK, len(logits))).argmax(3)
        blocks[row, column] = decided.to(dtype)
    full = blocks.transpose(1, 2).reshape(
        len(rows.at) * BLOCK, len(columns.at) * BLOCK
    )
    return full[: size[0], : size[1]]


@lru_cache(maxsize=32)
def _axis(length: int, sizes: tuple[int, ...], align_corners: bool) -> Axis:
    """Write interpolation along one axis as a small matrix per block."""
    matrix = torch.eye(length, dtype=torch.float64)[None]
    for size in sizes:
        matrix = F.interpolate(
            matrix, size, mode='linear', align_corners=align_corners
        )
    # The last pixel is repeated to fill the last block.
    matrix = F.pad(matrix, (0, -matrix.shape[2] % BLOCK), mode='replicate')
    blocks = matrix[0].T.unflatten(0, (-1, BLOCK))  # (blocks, BLOCK, length)
    used = blocks.abs().sum(1) > 0
    first = used.int().argmax(1)
    last = length - 1 - used.flip(1).int().argmax(1)
    span = int((last - first).max()) + 1
    at = first.clamp(max=length - span)[:, None] + torch.arange(span)
    weights = blocks.gather(2, at[:, None].expand(-1, BLOCK, -1))
    return Axis(at, weights.float())
