"""Data sets, samplers and transforms; imported for their registration."""

from mmseg_da.datasets.folder import FolderDataset
from mmseg_da.datasets.presets import (
    ACDCDataset,
    CityscapesDataset,
    GTA5Dataset,
    SYNTHIADataset,
)
from mmseg_da.datasets.samplers import (
    InfiniteSampler,
    RareClassSampler,
    SeededIndex,
)
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
