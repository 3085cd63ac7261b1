"""Cityscapes, with labels and without."""

import builtins
import os
from pathlib import Path

import pytest
from tiny_data import PIPELINE

from mmseg_da.datasets import CityscapesDataset, GTA5Dataset
from mmseg_da.datasets.encodings import LABEL_IDS, TRAIN_IDS
from mmseg_da.errors import InputError

VAL = {'img_path': 'leftImg8bit/val', 'seg_map_path': 'gtFine/val'}
REAL = Path(__file__).parents[3] / 'shared/data/real_sample'


@pytest.mark.parametrize(
    ('suffix', 'encoding'),
    [('labelIds', LABEL_IDS), ('labelTrainIds', TRAIN_IDS)],
)
def test_both_encodings(cityscapes: Path, suffix: str, encoding) -> None:
    dataset = CityscapesDataset(
        data_root=str(cityscapes),
        data_prefix=VAL,
        seg_map_suffix=f'_gtFine_{suffix}.png',
        pipeline=PIPELINE,
    )
    assert len(dataset) == 6
    info = dataset.get_data_info(3)
    assert info['label_encoding'].ids == encoding.ids
    stem = 'bochum/bochum_000001_000019'
    assert info['img_path'].endswith(f'{stem}_leftImg8bit.png')
    assert info['seg_map_path'].endswith(f'{stem}_gtFine_{suffix}.png')
    label = dataset[3]['data_samples'].gt_sem_seg.data
    assert label.unique().tolist() == [13]


def test_cities(cityscapes: Path) -> None:
    kwargs = {'data_root': str(cityscapes), 'data_prefix': VAL}
    dataset = CityscapesDataset(cities=['ulm', 'aachen'], **kwargs)
    cities = [
        Path(dataset.get_data_info(i)['img_path']).parent.name
        for i in range(len(dataset))
    ]
    assert cities == ['aachen', 'aachen', 'ulm', 'ulm']
    assert len(CityscapesDataset(cities='ulm', **kwargs)) == 2
    for bad in (['ulm', 'rome'], []):
        with pytest.raises(InputError, match='are aachen, bochum, ulm'):
            CityscapesDataset(cities=bad, **kwargs)


def test_cities_of_listed_images(cityscapes: Path) -> None:
    (cityscapes / 'val.txt').write_text('aachen/aachen_000001_000019\n')
    dataset = CityscapesDataset(
        data_root=str(cityscapes),
        data_prefix=VAL,
        ann_file='val.txt',
        cities=['aachen'],
    )
    assert len(dataset) == 1


@pytest.mark.parametrize('prefix', [{}, {'seg_map_path': None}])
def test_target_never_touches_labels(
    cityscapes: Path, monkeypatch: pytest.MonkeyPatch, prefix: dict
) -> None:
    touched = []

    def watch(module, name: str) -> None:
        original = getattr(module, name)

        def watched(path='.', *args, **kwargs):
            touched.append(str(path))
            return original(path, *args, **kwargs)

        monkeypatch.setattr(module, name, watched)

    for module, name in (
        (builtins, 'open'),
        (os, 'scandir'),
        (os, 'stat'),
        (os, 'listdir'),
    ):
        watch(module, name)
    dataset = CityscapesDataset(
        data_root=str(cityscapes),
        data_prefix={'img_path': 'leftImg8bit/train', **prefix},
        pipeline=[PIPELINE[0], PIPELINE[2]],
    )
    sample = dataset[0]
    assert 'gt_sem_seg' not in sample['data_samples']
    assert 'seg_map_path' not in dataset.get_data_info(0)
    assert any('leftImg8bit' in path for path in touched)
    assert not [path for path in touched if 'gtFine' in path]


@pytest.mark.skipif(not REAL.is_dir(), reason='the real files are not here')
def test_real_files() -> None:
    val = CityscapesDataset(
        data_root=str(REAL / 'cityscapes'),
        data_prefix=VAL,
        pipeline=PIPELINE,
    )
    gta5 = GTA5Dataset(data_root=str(REAL / 'gta5_layout'), pipeline=PIPELINE)
    assert (len(val), len(gta5)) == (3, 4)
    for dataset, size in ((val, (1024, 2048)), (gta5, (957, 1914))):
        sample = dataset[0]
        label = sample['data_samples'].gt_sem_seg.data
        assert sample['inputs'].shape == (3, *size)
        assert label.shape == (1, *size)
        values = set(label.unique().tolist())
        assert values <= {*range(19), 255}
        assert {0, 2, 10, 13} <= values  # road, building, sky, car
