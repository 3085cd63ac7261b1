"""Which pixels of a teacher's prediction count as labels."""

import math

import torch
from mmengine.dist import all_reduce
from torch import Tensor

# Share of its threshold that a class keeps in an iteration.
MOMENTUM = 0.9


def balanced_thresholds(
    confidence: Tensor, labels: Tensor, num_classes: int, share: float
) -> Tensor:
    """The confidence that a share of each class's pixels reaches.

    Class-balanced self-training of "Unsupervised Domain Adaptation for
    Semantic Segmentation via Class-Balanced Self-Training" (ECCV 2018),
    algorithm 2: of the n pixels that are predicted as a class, the
    ``ceil(share * n)`` most confident ones count.

    Args:
        confidence, labels (Tensor): Of the predicted class, any shape.
        num_classes (int): Number of classes C.
        share (float): In (0, 1].

    Returns:
        Tensor: ``(C,)``, NaN for classes that are not predicted.
    """
    thresholds = confidence.new_full((num_classes,), math.nan)
    for label in labels.unique().tolist():
        # kthvalue has no deterministic form on GPUs.
        values = confidence[labels == label].sort(descending=True).values
        thresholds[label] = values[math.ceil(share * len(values)) - 1]
    return thresholds


class ClassThresholds:
    """Moving averages of each class's :func:`balanced_thresholds`.

    A class starts with the threshold of the first batch in which it is
    predicted. The average is over the ranks too, so that all have the same.
    """

    def __init__(
        self, num_classes: int, share: float, device: torch.device
    ) -> None:
        self.share = share
        self.values = torch.full((num_classes,), math.nan, device=device)

    def update(self, confidence: Tensor, labels: Tensor) -> Tensor:
        """Follow a batch ``(M, H, W)`` and return the thresholds ``(C,)``."""
        found = balanced_thresholds(
            confidence, labels, len(self.values), self.share
        )
        sums = torch.stack([found.nan_to_num(), (~found.isnan()).float()])
        all_reduce(sums)
        found = sums[0] / sums[1]  # NaN where no rank predicts the class
        moved = MOMENTUM * self.values + (1 - MOMENTUM) * found
        moved = torch.where(self.values.isnan(), found, moved)
        self.values = torch.where(found.isnan(), self.values, moved)
        return self.values
