"""Data sets, samplers and transforms; imported for their registration."""

from .base import DomainDataset
from .cityscapes import CityscapesDataset
from .gta5 import GTA5Dataset
from .samplers import InfiniteSampler, SeededIndex
from .transforms import LoadImage, LoadTrainIds

__all__ = [
    'CityscapesDataset',
    'DomainDataset',
    'GTA5Dataset',
    'InfiniteSampler',
    'LoadImage',
    'LoadTrainIds',
    'SeededIndex',
]
