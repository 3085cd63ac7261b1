"""Supervising every head of a segmentor on further images."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.errors import InputError


def supervise(
    iteration: Iteration,
    inputs: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
) -> Tensor:
    """The segmentor's loss on further images, a scalar summed over its heads.

    Args:
        iteration (Iteration): The iteration.
        inputs (Tensor): Preprocessed images ``(N, 3, H, W)``.
        labels, weights (Tensor): Of each pixel ``(N, H, W)``.

    Raises:
        InputError: If a head trains on edge maps, which no mixed label has,
            or does not ask its sampler for weights.
    """
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label[None]))
        for label in labels
    ]
    iteration.start_another_pass()
    with pixel_weights(iteration.segmentor, weights):
        try:
            losses = iteration.segmentor.loss(inputs, samples)
        except AttributeError as error:
            if 'gt_edge_map' not in str(error):
                raise
            raise InputError(
                'The segmentor trains on edge maps, which labels of mixed '
                'images do not have: use a decode head without them.'
            ) from error
    return sum(loss for name, loss in losses.items() if 'loss' in name)


class _PixelWeights:
    """Hands weights to a stock head, which asks its sampler for them.

    The head's own sampler, such as OHEM's, still chooses among the pixels.
    """

    def __init__(self, weights: Tensor, own: object) -> None:
        self.weights = weights
        self.own = own
        self.asked = False

    def sample(self, seg_logit: Tensor, seg_label: Tensor) -> Tensor:
        self.asked = True
        if self.own is None:
            return self.weights
        return self.weights * self.own.sample(seg_logit, seg_label)


@contextmanager
def pixel_weights(
    segmentor: nn.Module, weights: Tensor | None
) -> Iterator[None]:
    """Weight each pixel's loss in every head, within the block."""
    if weights is None:
        yield
        return
    heads = [m for m in segmentor.modules() if hasattr(m, 'loss_by_feat')]
    before = [head.sampler for head in heads]
    for head, own in zip(heads, before):
        head.sampler = _PixelWeights(weights, own)
    try:
        yield
        silent = [head for head in heads if not head.sampler.asked]
    finally:
        for head, sampler in zip(heads, before):
            head.sampler = sampler
    if silent:
        raise InputError(
            f'{type(silent[0]).__name__} computes its loss without asking its '
            "sampler for weights of pixels: set pseudo_labels='pixel', which "
            'needs none.'
        )
