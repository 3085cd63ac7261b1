"""SYNTHIA to Cityscapes and Cityscapes to ACDC, on files as they ship."""

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmseg.datasets import CityscapesDataset as MMSegCityscapes
from tiny_data import HEIGHT, PIPELINE, WIDTH, write_image, write_label

from dataset_converters.resize_dataset import write_resized
from launch import check_config
from mmseg_da.datasets import ACDCDataset, SYNTHIADataset
from mmseg_da.errors import InputError
from mmseg_da.evaluation import IoUMetric
from mmseg_da.registry import DATASETS
from mmseg_da.utils import load_config

CLASSES = MMSegCityscapes.METAINFO['classes']
# As the field has it: SYNTHIA's id and Cityscapes' train id.
SYNTHIA = {
    **{3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 1: 10},
    **{10: 11, 17: 12, 8: 13, 19: 15, 12: 17, 11: 18},
}
CONDITIONS = ('fog', 'night', 'rain', 'snow')
CONFIGS = Path(__file__).parents[2] / 'configs'


def write_synthia(root: Path) -> Path:
    """A label of each id in red, with instances in green, 16 bits each."""
    for name in ('0000000', '0000001'):
        write_image(root / f'RGB/{name}.png', int(name))
        label = np.zeros((HEIGHT, WIDTH, 3), np.uint16)
        label[..., 2] = np.resize(np.arange(23), (HEIGHT, WIDTH))
        label[..., 1] = np.resize(np.arange(300), (HEIGHT, WIDTH))
        path = root / f'GT/LABELS/{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), label)
    return root


def write_acdc(root: Path) -> Path:
    """An image of each condition in train and in val, with references."""
    for seed, condition in enumerate(CONDITIONS):
        for split, train_id in (('train', 0), ('val', 13)):
            drive = f'{condition}/{split}/GOPR0{seed}'
            stem = f'{drive}/GOPR0{seed}_frame_000001'
            write_image(root / f'rgb_anon/{stem}_rgb_anon.png', seed)
            write_label(root / f'gt/{stem}_gt_labelTrainIds.png', train_id)
            write_label(root / f'gt/{stem}_gt_labelIds.png', 7)
            stem = stem.replace(f'/{split}/', f'/{split}_ref/')
            write_image(root / f'rgb_anon/{stem}_ref_anon.png', seed)
    return root


def label_of(dataset: BaseDataset, index: int = 0) -> np.ndarray:
    return dataset[index]['data_samples'].gt_sem_seg.data[0].numpy()


def test_synthia_as_shipped(tmp_path: Path) -> None:
    dataset = SYNTHIADataset(
        data_root=str(write_synthia(tmp_path)), pipeline=PIPELINE
    )
    assert len(dataset) == 2
    assert dataset.metainfo['classes'] == CLASSES
    ids = np.resize(np.arange(23), (HEIGHT, WIDTH))
    expected = np.vectorize(lambda i: SYNTHIA.get(i, 255))(ids)
    assert (label_of(dataset) == expected).all()
    # A copy that was converted to train ids.
    for name in ('0000000', '0000001'):
        write_label(tmp_path / f'GT/LABELS/{name}_labelTrainIds.png', 13)
    converted = SYNTHIADataset(
        data_root=str(tmp_path),
        seg_map_suffix='_labelTrainIds.png',
        pipeline=PIPELINE,
    )
    assert (label_of(converted) == 13).all()
    label = cv2.imread(str(tmp_path / 'GT/LABELS/0000000.png'), -1)
    label[0, 0, 2] = 23
    cv2.imwrite(str(tmp_path / 'GT/LABELS/0000000.png'), label)
    with pytest.raises(InputError, match=r'000\.png .* 23 \(1 pixel\), but'):
        label_of(dataset)


def test_acdc_as_shipped(tmp_path: Path) -> None:
    root = str(write_acdc(tmp_path))
    train = ACDCDataset(data_root=root)
    assert len(train) == 4
    assert 'seg_map_path' not in train.get_data_info(0)
    prefix = {'img_path': 'rgb_anon/*/val', 'seg_map_path': 'gt/*/val'}
    val = ACDCDataset(data_root=root, data_prefix=prefix, pipeline=PIPELINE)
    assert len(val) == 4
    assert (label_of(val) == 13).all()
    night = ACDCDataset(
        data_root=root,
        data_prefix=prefix,
        conditions=['night'],
        pipeline=PIPELINE,
    )
    assert [Path(night.get_data_info(0)['img_path']).parts[-4]] == ['night']
    with pytest.raises(InputError, match=r"conditions is \['dusk'\], but"):
        ACDCDataset(data_root=root, conditions=['dusk'])
    for path in tmp_path.glob('rgb_anon/fog/train/*/*'):
        path.unlink()
    with pytest.raises(InputError, match='no images of fog, but of night, '):
        ACDCDataset(data_root=root, conditions=['fog', 'rain'])


def test_resized_copies(tmp_path: Path) -> None:
    prefix = {'img_path': 'rgb_anon/*/val', 'seg_map_path': 'gt/*/val'}
    for kind, root, kwargs in (
        ('SYNTHIADataset', write_synthia(tmp_path / 'synthia'), {}),
        (
            'ACDCDataset',
            write_acdc(tmp_path / 'acdc'),
            {'data_prefix': prefix},
        ),
    ):
        cfg = {
            'type': f'mmseg_da.{kind}',
            'data_root': str(root),
            'img_scale': (WIDTH // 2, HEIGHT // 2),
            'pipeline': [
                *PIPELINE[:2],
                {'type': 'mmseg_da.ResizeToScale'},
                PIPELINE[2],
            ],
            **kwargs,
        }
        overrides = write_resized(cfg, str(tmp_path / f'{kind} copy'))
        original, copied = map(DATASETS.build, (cfg, {**cfg, **overrides}))
        assert len(original) == len(copied) > 1
        for index in range(len(original)):
            labels = label_of(original, index), label_of(copied, index)
            assert labels[0].shape == (HEIGHT // 2, WIDTH // 2)
            assert (labels[0] == labels[1]).all()


@pytest.mark.parametrize(
    ('name', 'sizes', 'means'),
    [
        ('synthia2cs/bisenet_adv_synthia2cs.py', (2, 2, 2), (16, 13)),
        ('cs2acdc/bisenet_adv_cs2acdc.py', (2, 4, 4), ()),
    ],
)
def test_config_of_a_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name, sizes, means
) -> None:
    """Its data sets find the files, and its metric reports the means."""
    monkeypatch.chdir(tmp_path)
    write_synthia(tmp_path / 'data/synthia')
    write_acdc(tmp_path / 'data/acdc')
    for split in ('train', 'val'):
        for i in range(2):
            stem = f'{split}/ulm/ulm_{i}'
            root = tmp_path / 'data/cityscapes'
            write_image(root / f'leftImg8bit/{stem}_leftImg8bit.png', i)
            write_label(root / f'gtFine/{stem}_gtFine_labelIds.png', 26)
    cfg = load_config(CONFIGS / name)
    check_config(copy.deepcopy(cfg), 'train')
    loaders = (
        cfg.train_dataloader,
        cfg.default_hooks.adversarial.target_dataloader,
        cfg.val_dataloader,
    )
    found = []
    for loader in loaders:
        dataset = DATASETS.build(loader.dataset)
        found.append(len(dataset))
        sample = dataset[0]
        assert sample['inputs'].shape[1:] == loader.dataset.img_scale[::-1]
        has_label = 'gt_sem_seg' in sample['data_samples']
        assert has_label == (loader is not loaders[1])
    assert tuple(found) == sizes
    evaluator = {**cfg.val_evaluator}
    evaluator.pop('type')
    metric = IoUMetric(**evaluator)
    metric.dataset_meta = {'classes': CLASSES}
    assert [len(set(c)) for c in metric.class_means.values()] == [*means]
    left_out = {'terrain', 'truck', 'train'}
    for classes in list(metric.class_means.values())[:1]:
        assert set(CLASSES) - set(classes) == left_out
    for classes in list(metric.class_means.values())[1:]:
        left_out |= {'wall', 'fence', 'pole'}
        assert set(CLASSES) - set(classes) == left_out


@pytest.mark.parametrize('role', ['source', 'target'])
@pytest.mark.parametrize('kind', ['CityscapesDataset', 'BDD100KDataset'])
def test_stock_data_sets_stay(tmp_path: Path, role: str, kind: str) -> None:
    """MMSegmentation's own, with this package's transforms and theirs."""
    write_acdc(tmp_path)
    loading = {'type': 'mmseg_da.LoadImage'}, {'type': 'LoadImageFromFile'}
    for load, annotate in zip(
        loading, ('mmseg_da.LoadTrainIds', 'LoadAnnotations')
    ):
        steps = [load, {'type': annotate}, {'type': 'PackSegInputs'}]
        if role == 'target':
            del steps[1]
        dataset = DATASETS.build(
            {
                'type': kind,
                'img_suffix': '_rgb_anon.png',
                'seg_map_suffix': '_gt_labelTrainIds.png',
                'data_root': str(tmp_path),
                'data_prefix': {
                    'img_path': 'rgb_anon/fog/val',
                    'seg_map_path': 'gt/fog/val',
                },
                'pipeline': steps,
            }
        )
        assert type(dataset).__module__.startswith('mmseg.')
        assert len(dataset) == 1
        if role == 'source':
            assert (label_of(dataset) == 13).all()
