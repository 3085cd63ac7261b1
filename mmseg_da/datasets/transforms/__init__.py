"""Transforms; imported for their registration."""

from .color_jitter import ColorJitter
from .formatting import EvaluateAtInputSize, ResizeToScale
from .loading import LoadImage, LoadTrainIds
from .random_resized_crop import RandomResizedCrop

__all__ = [
    'ColorJitter',
    'EvaluateAtInputSize',
    'LoadImage',
    'LoadTrainIds',
    'RandomResizedCrop',
    'ResizeToScale',
]
