"""Softmax cross-entropy over the pixels that count."""

from __future__ import annotations

from typing import Optional, Union

from torch import Tensor

from mmseg_da.registry import MODELS

from .base import ClassWeight, SegmentationLoss, prepare, weighted_reduce
from .functional import softmax_nll


def cross_entropy(
    pred: Tensor,
    target: Tensor,
    class_weight: ClassWeight = None,
    weight: Optional[Tensor] = None,
    ignore_index: int = 255,
    reduction: str = 'mean',
    avg_factor: Union[None, float, Tensor] = None,
) -> Tensor:
    r"""Softmax cross-entropy :math:`-w_t \log p_t`.

    The values of ``torch.nn.functional.cross_entropy``, in half of its memory
    or less, and 0 where that is NaN (nothing but ignored pixels).

    Args:
        pred (Tensor): Logits ``(N, C, H, W)``.
        target (Tensor): Labels ``(N, H, W)`` in ``0..C-1`` or
            ``ignore_index``.
        class_weight (Tensor or Sequence[float], optional): ``(C,)``.
        weight (Tensor, optional): Weight of each pixel ``(N, H, W)``.
        ignore_index (int): Label left out. Defaults to 255.
        reduction (str): ``'none'``, ``'mean'`` or ``'sum'``. The mean is
            normalised by the sum of the weights of the pixels that count,
            class weights included. Defaults to ``'mean'``.
        avg_factor (float, optional): What the mean divides by instead.

    Returns:
        Tensor: A scalar, or ``(N, H, W)`` for ``'none'``; at least float32.

    Raises:
        InputError: If shapes, class weights or labels do not fit.
    """
    target, weight, class_weight = prepare(
        pred, target, class_weight, weight, ignore_index
    )
    if class_weight is not None:
        weight = weight * class_weight[target]
    loss = softmax_nll(pred, target)
    return weighted_reduce(loss, weight, reduction, avg_factor)


@MODELS.register_module()
class CrossEntropyLoss(SegmentationLoss):
    """:func:`cross_entropy` as a module.

    MMSegmentation's own averages over ignored pixels too, and with
    ``avg_non_ignore=True`` it raises an IndexError once ``class_weight`` is
    given and a pixel is ignored.

    Args:
        class_weight (str or Sequence[float], optional): Weight of each
            class, or the path of a class statistics JSON.
        loss_name (str): Defaults to ``'loss_ce'``.
        kwargs: See :class:`SegmentationLoss`.

    Example:
        >>> loss_decode = dict(type='mmseg_da.CrossEntropyLoss')
    """

    def __init__(self, *args, loss_name: str = 'loss_ce', **kwargs) -> None:
        super().__init__(*args, loss_name=loss_name, **kwargs)

    def compute(self, pred: Tensor, target: Tensor, **kwargs) -> Tensor:
        return cross_entropy(pred, target, **kwargs)
