"""Transforms; imported for their registration."""

from mmseg_da.datasets.transforms.augmentation import (
    ColorJitter,
    RandomResizedCrop,
)
from mmseg_da.datasets.transforms.loading import LoadImage, LoadTrainIds
from mmseg_da.datasets.transforms.resizing import (
    EvaluateAtInputSize,
    ResizeToScale,
)

__all__ = [
    'ColorJitter',
    'EvaluateAtInputSize',
    'LoadImage',
    'LoadTrainIds',
    'RandomResizedCrop',
    'ResizeToScale',
]
