"""Which pixels count, and errors for labels out of range."""

import torch
from torch import Tensor

from mmseg_da.errors import InputError


def _error(found: object, num_classes: int, ignore_index: int) -> InputError:
    return InputError(
        f'The labels of a batch contain {found}, but must lie in '
        f'0..{num_classes - 1} or be ignore_index={ignore_index}; check '
        "num_classes and the data set's label mapping."
    )


def valid_pixels(
    target: Tensor, num_classes: int, ignore_index: int = 255
) -> Tensor:
    """Mask of the pixels that count, of the labels' shape.

    On a GPU, a label out of range is left out like an ignored one: raising
    an error would make the program wait for the device.
    :class:`DeferredLabelCheck` reports such labels later.

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
            raise _error(found, num_classes, ignore_index)
    return possible & kept


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
            raise _error(found, num_classes, ignore_index)
        self.extremes = torch.maximum(self.extremes, extremes)
        self.on_host.copy_(self.extremes, non_blocking=True)
