"""Tiny data sets in the two layouts."""

from pathlib import Path

import pytest
from mmengine.registry import init_default_scope
from tiny_data import write_image, write_label


@pytest.fixture(autouse=True)
def _scope() -> None:
    init_default_scope('mmseg')


@pytest.fixture
def gta5(tmp_path: Path) -> Path:
    """Ten frames whose labels are the ids 7, 8, 11, ..., as palettes."""
    root = tmp_path / 'gta5'
    ids = [7, 8, 11, 12, 13, 17, 19, 20, 21, 0]
    for i, label_id in enumerate(ids, 1):
        write_image(root / f'images/{i:05d}.png', i)
        write_label(root / f'labels/{i:05d}.png', label_id, 'P')
    return root


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    """Three cities with two frames each in val; train has no labels."""
    root = tmp_path / 'cityscapes'
    for city in ('aachen', 'bochum', 'ulm'):
        for i in range(2):
            stem = f'{city}/{city}_{i:06d}_000019'
            for split in ('train', 'val'):
                img = f'leftImg8bit/{split}/{stem}_leftImg8bit.png'
                write_image(root / img, i)
            label = f'gtFine/val/{stem}_gtFine_label'
            write_label(root / f'{label}Ids.png', 26)
            write_label(root / f'{label}TrainIds.png', 13)
    return root
