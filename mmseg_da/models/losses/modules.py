"""The losses as modules, with MMSegmentation's interface."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from mmseg_da.errors import check_choice, wrong_value
from mmseg_da.models.losses.class_weight import load_class_weight, weight_file
from mmseg_da.models.losses.functional import (
    REDUCTIONS,
    cross_entropy,
    dice_loss,
    label_error,
    softmax_focal_loss,
)
from mmseg_da.registry import MODELS


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

    default_name: str
    #: The loss as a function, its settings filled in.
    function: Callable[..., Tensor]

    def __init__(
        self,
        class_weight: str | dict | Sequence[float] | None = None,
        loss_weight: float = 1.0,
        reduction: str = 'mean',
        loss_name: str | None = None,
    ) -> None:
        super().__init__()
        owner = f'reduction of {type(self).__name__}'
        check_choice(owner, reduction, REDUCTIONS)
        self.reduction = reduction
        self.loss_weight = self.check('loss_weight', loss_weight)
        self.loss_name = loss_name or self.default_name
        # A buffer moves to the model's device. The weights are a setting,
        # so checkpoints do not hold them.
        self.register_buffer('class_weight', None, persistent=False)
        self._unread = class_weight
        file = weight_file(class_weight)
        if file is None or Path(file).exists():
            self.need_class_weight()
        self._label_check = DeferredLabelCheck()

    def need_class_weight(self) -> None:
        """Read the class weights if their file was missing at first.

        Raises:
            InputError: If the file is still missing.
        """
        if self._unread is not None:
            self.class_weight = torch.tensor(load_class_weight(self._unread))
            self._unread = None

    def check(self, name: str, value: float) -> float:
        """Check that a setting is finite and not negative, and return it."""
        number = isinstance(value, (int, float))
        if not number or not 0 <= value < math.inf:
            owner = f'{name} of {type(self).__name__}'
            raise wrong_value(owner, value, 'a number of at least 0')
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
        return self.loss_weight * self.function(
            pred,
            target,
            class_weight=self.class_weight,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
        )


class DeferredLabelCheck:
    """Report labels out of range on a GPU without waiting for the device.

    The extremes so far, the lowest label negated, are copied to the host in
    the background and checked by a later call. A label out of range ends
    the training one or two iterations after its batch.
    """

    def __init__(self) -> None:
        self.extremes: Tensor | None = None
        self.on_host: Tensor | None = None

    def __call__(
        self, target: Tensor, num_classes: int, ignore_index: int
    ) -> None:
        """Note a batch's labels and check the earlier batches'.

        Raises:
            InputError: If an earlier label is out of range.
        """
        low, high = target.masked_fill(target == ignore_index, 0).aminmax()
        extremes = torch.stack((-low.long(), high.long()))
        if self.extremes is None:
            self.extremes = extremes
            self.on_host = torch.zeros_like(
                extremes, device='cpu', pin_memory=target.is_cuda
            )
        below, high = self.on_host.tolist()
        if below > 0 or high >= num_classes:
            found = -below if below > 0 else high
            raise label_error(found, num_classes, ignore_index)
        self.extremes = torch.maximum(self.extremes, extremes)
        self.on_host.copy_(self.extremes, non_blocking=True)


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


@MODELS.register_module()
class FocalLoss(SegmentationLoss):
    """:func:`softmax_focal_loss` as a module.

    Args:
        gamma (float): At least 0. Defaults to 1.0.
        kwargs: See :class:`SegmentationLoss`.
    """

    default_name = 'loss_focal'

    def __init__(self, gamma: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        gamma = self.check('gamma', gamma)
        self.function = partial(softmax_focal_loss, gamma=gamma)


@MODELS.register_module()
class DiceLoss(SegmentationLoss):
    """:func:`dice_loss` as a module.

    Args:
        smooth (float): At least 0. Defaults to 1.0.
        kwargs: See :class:`SegmentationLoss`.
    """

    default_name = 'loss_dice'

    def __init__(self, smooth: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        smooth = self.check('smooth', smooth)
        self.function = partial(dice_loss, smooth=smooth)
