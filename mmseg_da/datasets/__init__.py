"""Data sets, samplers and transforms; imported for their registration."""

from .base import DomainDataset
from .cityscapes import CityscapesDataset
from .gta5 import GTA5Dataset
from .samplers import InfiniteSampler, SeededIndex
from .transforms import (
    ColorJitter,
    EvaluateAtInputSize,
    LoadImage,
    LoadTrainIds,
    RandomResizedCrop,
    ResizeToScale,
)

__all__ = [
    'CityscapesDataset',
    'ColorJitter',
    'DomainDataset',
    'EvaluateAtInputSize',
    'GTA5Dataset',
    'InfiniteSampler',
    'LoadImage',
    'LoadTrainIds',
    'RandomResizedCrop',
    'ResizeToScale',
    'SeededIndex',
]
