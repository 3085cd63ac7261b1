"""Softmax cross-entropy over the pixels that are not ignored."""

from torch import Tensor

from mmseg_da.models.losses.base import (
    ClassWeight,
    SegmentationLoss,
    prepare,
    weighted_reduce,
)
from mmseg_da.models.losses.functional import softmax_nll
from mmseg_da.registry import MODELS


def cross_entropy(
    pred: Tensor,
    target: Tensor,
    class_weight: ClassWeight = None,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    r"""Softmax cross-entropy :math:`-w_t \log p_t`.

    Equals ``torch.nn.functional.cross_entropy`` with half of its memory or
    less, except that the mean over ignored pixels alone is 0, not NaN.

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

    MMSegmentation's CrossEntropyLoss averages over ignored pixels too. With
    ``avg_non_ignore=True`` and ``class_weight``, it raises an IndexError as
    soon as a pixel is ignored.

    Args:
        kwargs: See :class:`SegmentationLoss`.
    """

    default_name = 'loss_ce'
    function = staticmethod(cross_entropy)
