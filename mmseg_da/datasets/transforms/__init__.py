"""Transforms; imported for their registration."""

from mmseg_da.datasets.transforms.color_jitter import ColorJitter
from mmseg_da.datasets.transforms.loading import LoadImage, LoadTrainIds
from mmseg_da.datasets.transforms.random_resized_crop import RandomResizedCrop
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
