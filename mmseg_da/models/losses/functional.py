"""Softmax primitives of the losses, made to hold one class volume at most.

Autograd on the textbook formulas keeps a softmax (or log-softmax), the
gradient of the gather and the gradient of the sums: three to five volumes of
the size of the logits. Here nothing but the logits and the labels is saved;
the softmax is computed again in the backward pass and turned, in place, into
the gradient, which has to exist anyway.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def _float(pred: Tensor) -> torch.dtype:
    """fp16 and bf16 lose small probabilities: at least float32."""
    return torch.promote_types(pred.dtype, torch.float32)


class _SoftmaxNLL(Function):
    @staticmethod
    def forward(ctx, pred: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(pred, target)
        log_prob = torch.log_softmax(pred, 1, dtype=_float(pred))
        return -log_prob.gather(1, target.unsqueeze(1)).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        pred, target = ctx.saved_tensors
        grad = grad.unsqueeze(1)
        index = target.unsqueeze(1)
        volume = torch.softmax(pred, 1, dtype=_float(pred)).mul_(grad)
        volume.scatter_add_(1, index, -grad)
        return volume.to(pred.dtype), None


class _SoftmaxClassSums(Function):
    @staticmethod
    def forward(
        ctx, pred: Tensor, target: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(pred, target, mask)
        index = target.unsqueeze(1)
        prob = torch.softmax(pred, 1, dtype=_float(pred))
        prob.mul_(mask.unsqueeze(1))
        predicted = prob.sum((0, 2, 3))
        true_prob = prob.gather(1, index)
        # One value a pixel, put into its class's plane: unlike index_add and
        # bincount, summing a plane is exact to the last digits (pairwise),
        # deterministic and free of synchronisation on a GPU.
        hit = prob.zero_().scatter_(1, index, true_prob).sum((0, 2, 3))
        prob.scatter_(1, index, mask.unsqueeze(1))
        count = prob.sum((0, 2, 3))
        ctx.mark_non_differentiable(count)
        return hit, predicted, count

    @staticmethod
    @once_differentiable
    def backward(
        ctx, grad_hit: Tensor, grad_predicted: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        pred, target, mask = ctx.saved_tensors
        index = target.unsqueeze(1)
        volume = torch.softmax(pred, 1, dtype=_float(pred))
        # d loss / d prob = mask * (grad_predicted[c] + [c = t] grad_hit[t]);
        # through the softmax it becomes prob * (d - sum_k prob_k d_k).
        hit = volume.gather(1, index).squeeze(1) * grad_hit[target] * mask
        mean = hit.clone()
        for plane, slope in zip(volume.unbind(1), grad_predicted):
            mean.add_(plane * mask * slope)
        for plane, slope in zip(volume.unbind(1), grad_predicted):
            plane.mul_(slope * mask - mean)
        volume.scatter_add_(1, index, hit.unsqueeze(1))
        return volume.to(pred.dtype), None, None


def softmax_nll(pred: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood ``-log softmax(pred)[target]`` of each pixel.

    Args:
        pred (Tensor): Logits ``(N, C, H, W)``.
        target (Tensor): Labels ``(N, H, W)``, int64, all in ``0..C-1``.

    Returns:
        Tensor: ``(N, H, W)``, in float32 for half-precision logits.
    """
    return _SoftmaxNLL.apply(pred, target)


def softmax_class_sums(
    pred: Tensor, target: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of each class's probability over the pixels.

    With ``p = softmax(pred)``, ``g`` the one-hot labels, ``m`` the mask and
    the sums over all pixels of the batch.

    Args:
        pred (Tensor): Logits ``(N, C, H, W)``.
        target (Tensor): Labels ``(N, H, W)``, int64, all in ``0..C-1``.
        mask (Tensor): Weight of each pixel ``(N, H, W)``, 0 where ignored.

    Returns:
        tuple[Tensor, Tensor, Tensor]: ``sum(m p g)``, ``sum(m p)`` and
        ``sum(m g)`` of each class, ``(C,)`` each, in float32 for
        half-precision logits.
    """
    return _SoftmaxClassSums.apply(pred, target, mask)
