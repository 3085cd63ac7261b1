"""tools/pseudo_label.py: labels that another run trains on."""

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image
from sentence import sentence

from inference.pseudo_labels import predict_confidence
from mmseg_da.apis import build_segmentor, init_model
from mmseg_da.apis.data import read_image
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils import load_config

NAMES = ['ulm/ulm_0_leftImg8bit.png', 'ulm/ulm_1_leftImg8bit.png']
TARGET = 'default_hooks.adversarial.target_dataloader'


@pytest.fixture(scope='module')
def weights(config: Path, tmp_path_factory) -> Path:
    """A model that sees several classes in every image."""
    torch.manual_seed(0)
    model = build_segmentor(load_config(config))
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    path = tmp_path_factory.mktemp('weights') / 'a.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    return path


@pytest.fixture
def label(tools, config: Path, weights: Path, folder: Path):
    def run(*words, checkpoint=weights) -> dict:
        arguments = [str(config), str(checkpoint), '--out', 'out']
        return tools['pseudo_label']([*arguments, *map(str, words)])

    return run


@pytest.fixture
def images(data: Path) -> Path:
    return data / 'cityscapes/leftImg8bit/train'


def predictions(config: Path, weights: Path, images: Path) -> dict:
    model = init_model(config, weights, 'cpu')
    found = {}
    for name in NAMES:
        pair = predict_confidence(model, read_image(images / name))
        found[name] = [x.numpy() for x in pair]
    return found


def read(kind: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(Path('out', kind, name)))


def test_labels_the_surest_half_of_each_class(
    label, config: Path, weights: Path, images: Path
) -> None:
    assert label('--target', '--confidence') == dict(images=2, labelled=2)
    found = predictions(config, weights, images)
    confidence, classes = (
        np.concatenate([pair[i].ravel() for pair in found.values()])
        for i in (0, 1)
    )
    seen = np.unique(classes)
    assert len(seen) > 1
    thresholds = {}
    for c in seen:
        order = np.sort(confidence[classes == c])[::-1]
        thresholds[c] = order[math.ceil(len(order) / 2) - 1]
    for name, (confidence, classes) in found.items():
        needed = np.vectorize(thresholds.get)(classes)
        expected = np.where(confidence >= needed, classes, 255)
        assert np.array_equal(read('train_ids', name), expected)
        levels = read('confidence', name)
        assert np.abs(levels - confidence * 255).max() <= 0.5 + 1e-4
    record = json.loads(Path('out/pseudo_labels.json').read_text())
    kept = {c for c, t in enumerate(record['thresholds']) if t is not None}
    assert kept == set(seen)


def test_one_threshold_for_a_folder_or_a_pattern(
    label, config: Path, weights: Path, images: Path
) -> None:
    label(images, '--threshold', 0.5)
    for name, (confidence, classes) in predictions(
        config, weights, images
    ).items():
        expected = np.where(confidence >= 0.5, classes, 255)
        assert np.array_equal(read('train_ids', name), expected)
    assert not Path('out/confidence').exists()
    pattern = f'{images}/*/*_leftImg8bit.png'
    label(pattern, '--threshold', 0.5, '--out', 'other')
    assert Path('other/train_ids/ulm/ulm_0.png').exists()


def test_goes_on_where_it_stopped(label, images: Path) -> None:
    label(images)
    first, second = (Path('out/train_ids', name) for name in NAMES)
    before = second.read_bytes()
    first.write_bytes(b'kept')
    second.unlink()
    assert label(images) == dict(images=2, labelled=1)
    assert first.read_bytes() == b'kept' and second.read_bytes() == before


def test_trains_on_what_it_wrote(
    label, tools, config: Path, images: Path, folder: Path
) -> None:
    label('--target', '--share', 1)
    pairs = dict(img_path=str(images), seg_map_path='out/train_ids')
    init_default_scope('mmseg')
    dataset = DATASETS.build(
        dict(
            type='mmseg_da.FolderDataset',
            data_prefix=pairs,
            label_encoding='train_ids',
            pipeline=[
                dict(type='mmseg_da.LoadImage'),
                dict(type='mmseg_da.LoadTrainIds'),
            ],
        )
    )
    for sample, name in zip(dataset, NAMES):
        assert np.array_equal(sample['gt_seg_map'], read('train_ids', name))
    prefix = dict(pairs, seg_map_path=str(folder / 'out/train_ids'))
    (folder / 'on_labels.py').write_text(
        f'_base_ = {str(config)!r}\n'
        'train_dataloader = dict(dataset=dict(\n'
        "    _delete_=True, type='mmseg_da.CityscapesDataset',\n"
        f'    data_prefix={prefix!r}, img_scale=(64, 32),\n'
        "    seg_map_suffix='_leftImg8bit.png', label_encoding='train_ids',\n"
        "    pipeline=[dict(type='mmseg_da.LoadImage'),\n"
        "        dict(type='mmseg_da.LoadTrainIds'),\n"
        "        dict(type='mmseg_da.ResizeToScale'),\n"
        "        dict(type='PackSegInputs')]))\n"
    )
    text = Path('on_labels.py').read_text()
    tools['train'](['on_labels.py', '--work-dir', '.'])
    assert Path('iter_2.pth').exists()
    assert Path('on_labels.py').read_text() == text


def test_refuses(label, config: Path, images: Path, checkpoint: Path) -> None:
    none = ['--cfg-options', f'{TARGET}=None']
    for words, found in (
        ([images, '--share', 0], '--share is 0.0: give more than 0'),
        ([images, '--threshold', 2], '--threshold is 2.0: give 0 to 1'),
        (['--target', *none], 'names no target: give a folder of images'),
        ([images / 'x'], 'not a folder: give a folder of images'),
        ([images, '--teacher'], 'holds no teacher: leave out --teacher'),
        ([images, '--out', images / 'out'], 'is inside the input folder'),
    ):
        with pytest.raises(InputError, match=found) as error:
            label(*words)
        sentence(error.value)
    label(images)
    for words, change in (
        (['--share', 0.4], {}),
        (['--threshold', 0.4], {}),
        ([], dict(checkpoint=checkpoint)),
    ):
        with pytest.raises(InputError, match='out holds labels of another'):
            label(images, *words, **change)


def test_labels_of_other_images_are_not_taken_for_these(
    label, tools, config: Path, weights: Path, images: Path
) -> None:
    night = Path('night/ulm')
    shutil.copytree(images / 'ulm', night)
    label(images, '--threshold', 0.5)
    with pytest.raises(InputError, match='or folder of images'):
        label('night', '--threshold', 0.5)
    words = [str(config), str(weights), 'night', '--write', 'ids', '--out']
    with pytest.raises(InputError, match='out holds pseudo-labels'):
        tools['infer']([*words, 'out'])
    tools['infer']([*words, 'whole'])
    with pytest.raises(InputError, match='whole/train_ids holds pictures'):
        label('night', '--out', 'whole')
    part = load_config(config).default_hooks.adversarial.target_dataloader
    joined = dict(type='ConcatDataset', datasets=[dict(part.dataset)] * 2)
    cfg = load_config(config, {f'{TARGET}.dataset': None})
    cfg.default_hooks.adversarial.target_dataloader.dataset = joined
    cfg.dump('joined.py')
    with pytest.raises(InputError, match='target is a ConcatDataset: inst'):
        words = [str(weights), '--target', '--out', 'new']
        tools['pseudo_label'](['joined.py', *words])


def test_two_classes_in_one_channel_are_refused() -> None:
    model = SimpleNamespace(out_channels=1)
    with pytest.raises(InputError, match='two classes in one channel'):
        predict_confidence(model, np.zeros((4, 4, 3), np.uint8))
