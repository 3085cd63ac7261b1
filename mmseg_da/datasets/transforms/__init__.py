"""Transforms; imported for their registration."""

from .color_jitter import ColorJitter
from .loading import LoadImage, LoadTrainIds
from .random_resized_crop import RandomResizedCrop
from .resizing import EvaluateAtInputSize, ResizeToScale

__all__ = [
    'ColorJitter',
    'EvaluateAtInputSize',
    'LoadImage',
    'LoadTrainIds',
    'RandomResizedCrop',
    'ResizeToScale',
]
