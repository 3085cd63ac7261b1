"""The losses as functions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmseg_da.errors import InputError, check_choice
from mmseg_da.models.losses.softmax import softmax_class_sums, softmax_nll

REDUCTIONS = ('none', 'mean', 'sum')
ClassWeight = Sequence[float] | Tensor | None


def cross_entropy(
    pred: Tensor,
    target: Tensor,
    class_weight: ClassWeight = None,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    r"""Softmax cross-entropy :math:`-w_t \log p_t` without ignored pixels.

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
    nll, weight = _weighted_nll(
        pred, target, class_weight, weight, ignore_index
    )
    return weighted_reduce(nll, weight, reduction, avg_factor)


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

    Lin et al., "Focal Loss for Dense Object Detection" (ICCV 2017), equation
    5, on the softmax. With ``gamma = 0`` it is the cross-entropy. The focal
    factors are no part of what normalises the mean.

    Args:
        gamma (float): Focusing parameter, at least 0. The larger it is, the
            less well-classified pixels count. Defaults to 1.0.
        others, returns, raises: See :func:`cross_entropy`.
    """
    nll, weight = _weighted_nll(
        pred, target, class_weight, weight, ignore_index
    )
    # expm1 computes 1 - p_t without cancellation. The clamp keeps the slope of
    # the power finite at p_t = 1 when gamma < 1; the loss's own slope is 0.
    miss = -torch.expm1(-nll)
    miss = miss.clamp(min=torch.finfo(nll.dtype).tiny)
    return weighted_reduce(miss**gamma * nll, weight, reduction, avg_factor)


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

    After Milletari et al., "V-Net" (3DV 2016), with the plain sums in the
    denominator:

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


def _weighted_nll(
    pred: Tensor, target: Tensor, class_weight: ClassWeight, *others
) -> tuple[Tensor, Tensor]:
    """Each pixel's ``-log p_t``, and its weight, its class's included."""
    target, weight, class_weight = prepare(pred, target, class_weight, *others)
    if class_weight is not None:
        weight = weight * class_weight[target]
    return softmax_nll(pred, target), weight


def prepare(
    pred: Tensor,
    target: Tensor,
    class_weight: ClassWeight,
    weight: Tensor | None,
    ignore_index: int,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Check the input of a loss and prepare it.

    Returns:
        tuple: Labels ``(N, H, W)`` in which every pixel is a class, the
        weight of each pixel ``(N, H, W)``, 0 for ignored pixels, and the
        class weights ``(C,)`` or None. Weights are float32 for
        half-precision logits.
    """
    num_classes = pred.size(1) if pred.dim() == 4 else None
    if num_classes is None or target.shape != pred[:, 0].shape:
        raise InputError(
            'A loss takes logits (N, C, H, W) and labels (N, H, W), but got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}.'
        )
    dtype = torch.promote_types(pred.dtype, torch.float32)
    if class_weight is not None:
        place = dict(dtype=dtype, device=pred.device)
        class_weight = torch.as_tensor(class_weight, **place)
        if class_weight.shape != (num_classes,):
            raise InputError(
                f'class_weight has {class_weight.numel()} values, but the '
                f'prediction has {num_classes} classes; give one for each '
                'class.'
            )
    valid = valid_pixels(target, num_classes, ignore_index)
    pixel_weight = valid.to(dtype)
    if weight is not None:
        if weight.shape != target.shape:
            raise InputError(
                'weight is one number for each pixel, of shape '
                f'{tuple(target.shape)}, but got {tuple(weight.shape)}.'
            )
        pixel_weight = pixel_weight * weight.to(dtype)
    return target.long().masked_fill(~valid, 0), pixel_weight, class_weight


def valid_pixels(
    target: Tensor, num_classes: int, ignore_index: int = 255
) -> Tensor:
    """Mask of the pixels that count, of the labels' shape.

    On a GPU, a label out of range is left out like an ignored one: raising
    an error would make the program wait for the device. The modules report
    such labels later, by ``DeferredLabelCheck``.

    Raises:
        InputError: If a label is neither a class nor ``ignore_index``; on
            a CPU only.
    """
    possible = (target >= 0) & (target < num_classes)
    kept = target != ignore_index
    if not target.is_cuda:
        outside = kept & ~possible
        if outside.any():
            found = target[outside].unique().tolist()
            more = ', ...' if len(found) > 8 else ''
            found = ', '.join(map(str, found[:8])) + more
            raise label_error(found, num_classes, ignore_index)
    return possible & kept


def label_error(
    found: object, num_classes: int, ignore_index: int
) -> InputError:
    return InputError(
        f'The labels of a batch contain {found}, but must lie in '
        f'0..{num_classes - 1} or be ignore_index={ignore_index}; check '
        "num_classes and the data set's label mapping."
    )


def weighted_reduce(
    loss: Tensor,
    weight: Tensor,
    reduction: str,
    avg_factor: float | Tensor | None,
) -> Tensor:
    """Weight losses and reduce them.

    The mean is the weighted sum over the sum of the weights, or over
    ``avg_factor``, like torch's ``cross_entropy``; 0 if that is 0.
    """
    check_choice('reduction', reduction, REDUCTIONS)
    loss = loss * weight
    if reduction == 'none':
        return loss
    if reduction == 'sum':
        if avg_factor is not None:
            raise ValueError('avg_factor can not be used with reduction="sum"')
        return loss.sum()
    factor = weight.sum() if avg_factor is None else avg_factor
    factor = torch.as_tensor(factor, dtype=loss.dtype, device=loss.device)
    return loss.sum() / factor.masked_fill(factor == 0, 1)
