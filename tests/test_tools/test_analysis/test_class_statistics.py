"""Counts and weights of tiny label files, computed by hand."""

import shutil

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from analysis.class_counts import (
    _histogram,
    class_statistics,
    median_frequency_weights,
)
from mmseg_da.errors import InputError
from mmseg_da.utils.files import read_statistics

# Label ids of Cityscapes: 7 road (0), 8 sidewalk (1), 26 car (13), 0 void.
ROAD, WALK, CAR, VOID = 7, 8, 26, 0


def write(path, label):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(label, np.uint8)).save(path)


@pytest.fixture
def cfg(tmp_path):
    """Two GTA5 frames; their images are no images, so decoding one fails."""
    write(
        tmp_path / 'labels/00001.png',
        [[ROAD, ROAD, ROAD, WALK], [ROAD, CAR, CAR, VOID]],
    )
    write(tmp_path / 'labels/00002.png', [[ROAD, ROAD], [VOID, VOID]])
    (tmp_path / 'images').mkdir()
    for name in ('00001.png', '00002.png'):
        (tmp_path / 'images' / name).write_bytes(b'no image')
    dataset = dict(
        type='mmseg_da.GTA5Dataset',
        data_root=str(tmp_path),
        img_scale=(64, 32),
        pipeline=[
            dict(type='mmseg_da.LoadImage'),
            dict(type='mmseg_da.LoadTrainIds'),
            dict(type='mmseg_da.ResizeToScale'),
            dict(type='PackSegInputs'),
        ],
    )
    return Config(dict(train_dataloader=dict(dataset=dataset)))


@pytest.mark.parametrize('workers', [0, 2])
def test_counts_of_two_labels(cfg, workers):
    result = class_statistics(cfg, 'train', workers)
    expected = np.zeros((4, 19))
    # road: 4 + 2 pixels in images of 8 and 4; the others in the first alone.
    expected[:, 0] = 6, 2, 6 / 12, (2 / 8) / (6 / 12)
    expected[:, 1] = 1, 1, 1 / 8, (2 / 8) / (1 / 8)
    expected[:, 13] = 2, 1, 2 / 8, 1
    expected[3, expected[0] == 0] = 2
    for row, key in enumerate(
        (
            'pixel_counts',
            'image_counts',
            'frequencies',
            'median_frequency_weights',
        )
    ):
        np.testing.assert_allclose(result[key], expected[row], err_msg=key)
    assert result['num_images'] == 2
    assert result['ignored_pixels'] == 3
    assert result['dataset'] == 'GTA5Dataset'
    assert result['classes'][13] == 'car'


def test_repeated_and_joined_data_sets_count_their_files_once(cfg):
    one = cfg.train_dataloader.dataset
    joined = dict(
        type='ConcatDataset',
        datasets=[one, dict(type='RepeatDataset', times=5, dataset=one)],
    )
    twice = class_statistics(
        Config(dict(val_dataloader=dict(dataset=joined))), 'val'
    )
    assert twice['num_images'] == 4
    assert twice['pixel_counts'][0] == 12


def test_different_images_of_one_name_have_no_counts_of_a_file(cfg, tmp_path):
    first = cfg.train_dataloader.dataset
    for folder in ('images', 'labels'):
        shutil.copytree(tmp_path / folder, tmp_path / 'other' / folder)
    write(tmp_path / 'other/labels/00002.png', [[CAR, ROAD], [VOID, VOID]])
    second = dict(first, data_root=str(tmp_path / 'other'))
    joined = dict(type='ConcatDataset', datasets=[first, second])
    both = Config(dict(train_dataloader=dict(dataset=joined)))
    assert class_statistics(both, 'train')['num_images'] == 4
    with pytest.raises(InputError, match=r'have the name 00002\.png, by'):
        class_statistics(both, 'train', per_file=True)


def test_a_stock_data_set_and_its_values_without_class(tmp_path):
    write(tmp_path / 'labels/a.png', [[0, 1], [1, 255]])
    write(tmp_path / 'images/a.jpg', [[0, 0], [0, 0]])
    dataset = dict(
        type='BaseSegDataset',
        metainfo=dict(classes=('a', 'b')),
        data_prefix=dict(
            img_path=str(tmp_path / 'images'),
            seg_map_path=str(tmp_path / 'labels'),
        ),
        pipeline=[dict(type='LoadAnnotations'), dict(type='PackSegInputs')],
    )
    cfg = Config(dict(train_dataloader=dict(dataset=dataset)))
    result = class_statistics(cfg, 'train')
    assert result['pixel_counts'] == [1, 2]
    assert result['ignored_pixels'] == 1
    write(tmp_path / 'labels/a.png', [[0, 1], [2, 255]])
    for workers in (0, 1):
        with pytest.raises(InputError, match=r'a\.png has the value 2'):
            class_statistics(cfg, 'train', workers)


def test_weights_of_an_even_number_of_classes():
    frequencies, weights = median_frequency_weights(
        [10, 40, 0, 20, 5], [100, 100, 0, 200, 10]
    )
    np.testing.assert_allclose(frequencies, [0.1, 0.4, 0, 0.1, 0.5])
    # The median of 0.1, 0.1, 0.4, 0.5 is 0.25.
    np.testing.assert_allclose(weights, [2.5, 0.625, 2.5, 2.5, 0.5])


def test_labels_without_any_class_are_named():
    with pytest.raises(InputError, match='No pixel of the labels has a class'):
        median_frequency_weights([0, 0], [0, 0])


def test_a_data_set_without_labels_is_named(cfg):
    dataset = cfg.train_dataloader.dataset
    dataset.data_prefix = dict(img_path='images')
    dataset.pipeline = [dict(type='mmseg_da.LoadImage')]
    target = dict(target_dataloader=dict(dataset=dataset))
    cfg = Config(dict(default_hooks=dict(adversarial=target)))
    with pytest.raises(InputError, match='has no labels to count'):
        class_statistics(cfg, 'target')
    with pytest.raises(InputError, match='has no train data set'):
        class_statistics(cfg, 'train')


@pytest.mark.parametrize(
    'content, message',
    [
        (None, 'cannot be read'),
        ('[]', 'no class statistics JSON'),
        ('{"classes": ["a"], "pixel_counts": [1, 2]}', 'do not match'),
        ('{', 'no class statistics JSON'),
    ],
)
def test_another_file_is_no_statistics(tmp_path, content, message):
    path = tmp_path / 'x.json'
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_statistics(path)


@pytest.mark.parametrize('dtype', [np.uint8, np.int64])
def test_both_ways_of_counting_agree(dtype):
    label = np.array([[0, 2, 255], [2, 2, 18]], dtype)
    counts = _histogram(label, 256)
    assert counts.dtype == np.int64 and counts.shape == (256,)
    assert counts[[0, 2, 18, 255]].tolist() == [1, 3, 1, 1]
    assert counts.sum() == 6
