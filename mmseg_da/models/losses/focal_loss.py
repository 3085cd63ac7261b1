"""Multi-class focal loss of Lin et al., "Focal Loss for Dense Object
Detection" (ICCV 2017), equation 5, on the softmax."""

import torch
from torch import Tensor

from mmseg_da.models.losses.base import (
    ClassWeight,
    SegmentationLoss,
    prepare,
    weighted_reduce,
)
from mmseg_da.models.losses.functional import softmax_nll
from mmseg_da.registry import MODELS


def softmax_focal_loss(
    pred: Tensor,
    target: Tensor,
    gamma: float = 1.0,
    class_weight: ClassWeight = None,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    r"""Softmax focal loss :math:`-w_t (1 - p_t)^\gamma \log p_t`.

    With ``gamma = 0`` it is the cross-entropy.

    Args:
        gamma (float): Focusing parameter, at least 0. The larger it is, the
            less well-classified pixels count. Defaults to 1.0.
        reduction (str): ``'none'``, ``'mean'`` or ``'sum'``. The mean is
            normalised as for :func:`cross_entropy`, and not by the focal
            factors. Defaults to ``'mean'``.
        others: See :func:`cross_entropy`.

    Returns:
        Tensor: A scalar, or ``(N, H, W)`` for ``'none'``; at least float32.
    """
    target, weight, class_weight = prepare(
        pred, target, class_weight, weight, ignore_index
    )
    if class_weight is not None:
        weight = weight * class_weight[target]
    nll = softmax_nll(pred, target)
    # expm1 computes 1 - p_t without cancellation. The clamp keeps the slope of
    # the power finite at p_t = 1 when gamma < 1; the loss's own slope is 0.
    miss = -torch.expm1(-nll)
    miss = miss.clamp(min=torch.finfo(nll.dtype).tiny)
    return weighted_reduce(miss**gamma * nll, weight, reduction, avg_factor)


@MODELS.register_module()
class FocalLoss(SegmentationLoss):
    """:func:`softmax_focal_loss` as a module.

    Args:
        gamma (float): At least 0. Defaults to 1.0.
        kwargs: See :class:`SegmentationLoss`.
    """

    default_name = 'loss_focal'
    function = staticmethod(softmax_focal_loss)
    settings = ('gamma',)

    def __init__(self, gamma: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.gamma = self.check('gamma', gamma)
