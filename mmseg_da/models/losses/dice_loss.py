"""Soft multi-class Dice loss, after Milletari et al., "V-Net" (3DV 2016),
with the plain sums in the denominator."""

from torch import Tensor

from mmseg_da.models.losses.base import (
    ClassWeight,
    SegmentationLoss,
    prepare,
    weighted_reduce,
)
from mmseg_da.models.losses.functional import softmax_class_sums
from mmseg_da.registry import MODELS


def dice_loss(
    pred: Tensor,
    target: Tensor,
    smooth: float = 1.0,
    class_weight: ClassWeight = None,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    r"""Dice loss of each class over the pixels of the whole batch.

    .. math::
        L_c = 1 - \frac{2 \sum p_c g_c + s}{\sum p_c + \sum g_c + s}

    with the softmax :math:`p`, the one-hot labels :math:`g` and the sums
    over all pixels that are not ignored. Every class counts the same,
    however few pixels it has: missing one of ``n`` classes costs about
    ``1 / n``.

    Classes that do not occur in the batch's labels are left out. Their
    overlap is 0 for any prediction, so they would add a large constant that
    changes with the batch. A pixel wrongly predicted as such a class already
    costs its true class. Each rank uses its own batch.

    Args:
        smooth (float): Smoothing ``s``, at least 0. Defaults to 1.0.
        weight (Tensor, optional): Weight of each pixel ``(N, H, W)`` in the
            sums.
        reduction (str): ``'none'``, ``'mean'`` or ``'sum'`` over the
            classes. The mean is normalised by the sum of the class weights
            of the classes that occur, and 0 if none does.
            Defaults to ``'mean'``.
        others: See :func:`cross_entropy`.

    Returns:
        Tensor: A scalar, or ``(C,)`` for ``'none'``; at least float32.
    """
    target, weight, class_weight = prepare(
        pred, target, class_weight, weight, ignore_index
    )
    hit, predicted, count = softmax_class_sums(pred, target, weight)
    present = (count > 0).to(count)
    # With smooth = 0, the denominator is 0 for absent classes.
    total = predicted + count + smooth
    total = total.masked_fill(total == 0, 1)
    loss = 1 - (2 * hit + smooth) / total
    if class_weight is not None:
        present = present * class_weight
    return weighted_reduce(loss, present, reduction, avg_factor)


@MODELS.register_module()
class DiceLoss(SegmentationLoss):
    """:func:`dice_loss` as a module.

    Args:
        smooth (float): At least 0. Defaults to 1.0.
        kwargs: See :class:`SegmentationLoss`.
    """

    default_name = 'loss_dice'
    function = staticmethod(dice_loss)
    settings = ('smooth',)

    def __init__(self, smooth: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.smooth = self.check('smooth', smooth)
