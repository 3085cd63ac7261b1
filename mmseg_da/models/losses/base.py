"""Base of the losses: MMSegmentation's interface and the reductions."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mmseg_da.errors import InputError
from mmseg_da.models.losses.class_weight import load_class_weight, weight_file
from mmseg_da.models.losses.label_check import DeferredLabelCheck, valid_pixels

REDUCTIONS = ('none', 'mean', 'sum')
ClassWeight = Sequence[float] | Tensor | None


def check_reduction(reduction: str, owner: str = '') -> str:
    """Raise an InputError unless a reduction is known."""
    if reduction not in REDUCTIONS:
        raise InputError(
            f'reduction{owner} is {reduction!r}; expected one of {REDUCTIONS}.'
        )
    return reduction


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

    Raises:
        InputError: If shapes, class weights or labels do not fit.
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


def weighted_reduce(
    loss: Tensor,
    weight: Tensor,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
) -> Tensor:
    """Weight losses and reduce them.

    Args:
        loss (Tensor): The losses.
        weight (Tensor): Their weights, of the same shape.
        reduction (str): ``'none'``: ``weight * loss``; ``'sum'``: its sum;
            ``'mean'``: the sum over the sum of the weights, like torch's
            ``cross_entropy``; 0 if that is 0.
        avg_factor (float, optional): What ``'mean'`` divides by instead.
    """
    check_reduction(reduction)
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


class SegmentationLoss(nn.Module):
    """Base of the losses: MMSegmentation's interface, checked settings.

    Args:
        class_weight (str, dict or Sequence[float], optional): Weight of each
            class, the path of a class statistics JSON, or a dict of the path,
            a power and a clip (:func:`load_class_weight`). A missing
            file is an error when the loss is first used, so that predicting
            works without the file; ``tools/train.py`` finds it earlier.
            Defaults to None: all equal.
        loss_weight (float): Factor of the loss. Defaults to 1.0.
        reduction (str): ``'none'``, ``'mean'`` or ``'sum'``.
            Defaults to ``'mean'``.
        loss_name (str, optional): Name in the log. Only names that start
            with ``loss_`` are trained on. Defaults to the class's own name.

    Raises:
        InputError: If a setting is out of its range.
    """

    default_name = 'loss'
    #: The loss as a function, and which settings of the class it takes.
    function: Callable[..., Tensor]
    settings: tuple[str, ...] = ()

    def __init__(
        self,
        class_weight: str | dict | Sequence[float] | None = None,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
        loss_name: str | None = None,
    ) -> None:
        super().__init__()
        owner = f' of {type(self).__name__}'
        self.reduction = check_reduction(reduction, owner)
        self.loss_weight = self.check('loss_weight', loss_weight)
        self.loss_name = loss_name or self.default_name
        # A buffer moves to the model's device. The weights are a setting,
        # so checkpoints do not hold them.
        self.register_buffer('class_weight', None, persistent=False)
        # Class weights whose file was missing.
        self._deferred: str | dict | None = None
        file = weight_file(class_weight)
        if file is not None and not Path(file).exists():
            self._deferred = class_weight
        else:
            self._set_class_weight(class_weight)
        self._label_check = DeferredLabelCheck()

    def _set_class_weight(
        self, class_weight: str | dict | Sequence[float] | None
    ) -> None:
        weights = load_class_weight(class_weight)
        self.class_weight = None if weights is None else torch.tensor(weights)

    def need_class_weight(self) -> None:
        """Read the class weights if their file was missing at first.

        Raises:
            InputError: If the file is still missing.
        """
        if self._deferred is not None:
            self._set_class_weight(self._deferred)
            self._deferred = None

    def check(self, name: str, value: float) -> float:
        """Check that a setting is finite and not negative, and return it."""
        number = isinstance(value, (int, float))
        if not number or not math.isfinite(value) or value < 0:
            raise InputError(
                f'{name} of {type(self).__name__} is {value!r}; expected a '
                'number of at least 0.'
            )
        return value

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """Compute the loss, ``loss_weight`` included.

        Args: See :func:`cross_entropy`, and

            reduction_override (str, optional): Used instead of the
                configured reduction.
        """
        self.need_class_weight()
        if target.is_cuda:
            self._label_check(target, pred.size(1), ignore_index)
        settings = {name: getattr(self, name) for name in self.settings}
        return self.loss_weight * self.function(
            pred,
            target,
            class_weight=self.class_weight,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
            **settings,
        )
