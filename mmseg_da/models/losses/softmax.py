"""Softmax primitives of the losses, which hold one class volume at most.

Autograd on the textbook formulas keeps a softmax (or log-softmax), the
gradient of the gather and the gradient of the sums: three to five volumes of
the size of the logits, each twice as large as half-precision logits. The
functions here save only the logits and the labels. Both passes work on one
block of rows at a time, so only the gradient is as large as the logits.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# Pixels of a block: few enough for a CPU's cache, enough to keep a GPU busy.
BLOCK = {'cpu': 2**15, 'cuda': 2**22}


def _blocks(*maps: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Views of the same rows of every map ``(N, ..., H, W)``.

    Each block is of one image and keeps a batch dimension of 1.
    """
    height, width = maps[0].shape[-2:]
    pixels = BLOCK.get(maps[0].device.type, BLOCK['cuda'])
    step = max(1, pixels // max(1, width))
    for image in range(len(maps[0])):
        for top in range(0, height, step):
            rows = (slice(image, image + 1), ..., slice(top, top + step))
            yield tuple(part[(*rows, slice(None))] for part in maps)


def _float(pred: Tensor) -> torch.dtype:
    """At least float32, because half precision loses small probabilities."""
    return torch.promote_types(pred.dtype, torch.float32)


class _SoftmaxNLL(Function):
    """Negative log-likelihood ``-log softmax(pred)[target]`` of each pixel.

    Args:
        pred (Tensor): Logits ``(N, C, H, W)``.
        target (Tensor): Labels ``(N, H, W)``, int64, all in ``0..C-1``.

    Returns:
        Tensor: ``(N, H, W)``, in float32 for half-precision logits.
    """

    @staticmethod
    def forward(ctx, pred: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(pred, target)
        loss = torch.empty(
            target.shape, dtype=_float(pred), device=pred.device
        )
        for rows, labels, out in _blocks(pred, target, loss):
            log_prob = torch.log_softmax(rows, 1, dtype=loss.dtype)
            true = log_prob.gather(1, labels.unsqueeze(1)).squeeze(1)
            out.copy_(true.neg_())
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        pred, target = ctx.saved_tensors
        volume = torch.empty_like(pred)
        for rows, labels, slope, out in _blocks(pred, target, grad, volume):
            prob = torch.softmax(rows, 1, dtype=grad.dtype)
            slope = slope.unsqueeze(1)
            prob.mul_(slope).scatter_add_(1, labels.unsqueeze(1), -slope)
            out.copy_(prob)
        return volume, None


class _SoftmaxClassSums(Function):
    """Sums of each class's probability over the pixels of the batch.

    Args:
        pred, target: See :class:`_SoftmaxNLL`.
        mask (Tensor): Weight ``m`` of each pixel ``(N, H, W)``, 0 where
            ignored.

    Returns:
        tuple[Tensor, Tensor, Tensor]: ``sum(m p g)``, ``sum(m p)`` and
        ``sum(m g)`` of each class, ``(C,)`` each, where ``p`` is the softmax
        and ``g`` the one-hot labels; float32 for half-precision logits.
    """

    @staticmethod
    def forward(
        ctx, pred: Tensor, target: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(pred, target, mask)
        dtype = _float(pred)
        # Sums are float64, so that the order of the blocks does not change
        # the result.
        sums = torch.zeros(
            3, pred.size(1), dtype=torch.float64, device=pred.device
        )
        for rows, labels, kept in _blocks(pred, target, mask):
            index, kept = labels.unsqueeze(1), kept.unsqueeze(1)
            prob = torch.softmax(rows, 1, dtype=dtype).mul_(kept)
            sums[1] += prob.sum((0, 2, 3))
            true = prob.gather(1, index)
            # Each pixel's value goes into the plane of its class. Summing a
            # plane is pairwise, so precise, and on a GPU it is deterministic
            # and needs no synchronisation, unlike index_add and bincount.
            sums[0] += prob.zero_().scatter_(1, index, true).sum((0, 2, 3))
            sums[2] += prob.scatter_(1, index, kept).sum((0, 2, 3))
        hit, predicted, count = sums.to(dtype)
        ctx.mark_non_differentiable(count)
        return hit, predicted, count

    @staticmethod
    @once_differentiable
    def backward(
        ctx, grad_hit: Tensor, grad_predicted: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        pred, target, mask = ctx.saved_tensors
        volume = torch.empty_like(pred)
        slopes = grad_predicted.view(1, -1, 1, 1)
        for rows, labels, kept, out in _blocks(pred, target, mask, volume):
            index, kept = labels.unsqueeze(1), kept.unsqueeze(1)
            prob = torch.softmax(rows, 1, dtype=_float(pred))
            # d loss / d prob = mask * (grad_predicted[c] + [c = t]
            # grad_hit[t]); through the softmax it becomes
            # prob * (d - sum_k prob_k d_k).
            hit = prob.gather(1, index) * grad_hit[index] * kept
            mean = hit + kept * (prob * slopes).sum(1, keepdim=True)
            prob.mul_(slopes * kept - mean).scatter_add_(1, index, hit)
            out.copy_(prob)
        return volume, None, None


softmax_nll = _SoftmaxNLL.apply
softmax_class_sums = _SoftmaxClassSums.apply
