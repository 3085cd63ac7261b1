"""Data sets, samplers and transforms; imported for their registration."""

from mmseg_da.datasets.acdc import ACDCDataset
from mmseg_da.datasets.cityscapes import CityscapesDataset
from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.datasets.gta5 import GTA5Dataset
from mmseg_da.datasets.rare_class_sampler import RareClassSampler
from mmseg_da.datasets.samplers import InfiniteSampler, SeededIndex
from mmseg_da.datasets.synthia import SYNTHIADataset
from mmseg_da.datasets.transforms import *  # noqa: F403

__all__ = [
    'ACDCDataset',
    'CityscapesDataset',
    'FolderDataset',
    'GTA5Dataset',
    'InfiniteSampler',
    'RareClassSampler',
    'SYNTHIADataset',
    'SeededIndex',
]
