"""Models that predict one class everywhere, drawn beside a known label."""

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from analysis.predictions import find_label
from mmseg_da.apis import build_segmentor
from mmseg_da.datasets import FolderDataset
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

ROOT = Path(__file__).parents[3]
qualitative = runpy.run_path(str(ROOT / 'tools/analysis/qualitative.py'))[
    'main'
]
ROAD, CAR, SKY = (128, 64, 128), (0, 0, 142), (70, 130, 180)
CONFIG = f"""
_base_ = '{ROOT}/configs/da/bisenet_adv_gta2cs.py'
test_dataloader = dict(dataset=dict(data_root='.', img_scale=(64, 32)))
"""


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A config, checkpoints that see road or car only, and two images."""
    root = tmp_path_factory.mktemp('qualitative')
    config = root / 'config.py'
    config.write_text(CONFIG)
    model = build_segmentor(load_config(config))
    for name, index in (('road', 0), ('car', 13)):
        model.decode_head.conv_seg.weight.data.zero_()
        model.decode_head.conv_seg.bias.data.zero_()[index] = 1
        torch.save({'state_dict': model.state_dict()}, root / f'{name}.pth')
    images = root / 'leftImg8bit/val/town'
    labels = root / 'gtFine/val/town'
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for frame in '12':
        image = np.full((64, 128, 3), (10, 200, 90), np.uint8)
        cv2.imwrite(str(images / f'town_{frame}_leftImg8bit.png'), image)
    # Label id 23 is sky; the second image has no label.
    sky = np.full((64, 128), 23, np.uint8)
    cv2.imwrite(str(labels / 'town_1_gtFine_labelIds.png'), sky)
    return root


def draw(files, out, *extra, images=None):
    images = images or sorted(map(str, files.rglob('*_leftImg8bit.png')))
    models = [
        word
        for name in ('road', 'car')
        for word in (
            '--models',
            f'{files}/config.py',
            f'{files}/{name}.pth',
            name,
        )
    ]
    qualitative(
        ['--images', *images, *models, '--out', str(out), *extra]
        + ['--cell-width', '120', '--device', 'cpu']
    )
    return cv2.imread(str(out))[..., ::-1]


def cells(picture, color):
    """How many cells of 120x60 a colour fills, legend left out."""
    return round((picture == color).all(-1).sum() / (120 * 60), 1)


def test_columns_hold_input_label_and_predictions(files, tmp_path):
    page = tmp_path / 'compare.html'
    picture = draw(files, tmp_path / 'grid.png', '--html', str(page))
    text = page.read_text()
    assert '<title>road, car: predictions compared</title>' in text
    # Of two images, one with a label.
    assert text.count('data:image/jpeg') == 2
    assert text.count('data:image/png') == 5
    assert 1.9 <= cells(picture, (90, 200, 10)) <= 2.1
    assert 1.9 <= cells(picture, ROAD) <= 2.2
    assert 1.9 <= cells(picture, CAR) <= 2.2
    assert 0.9 <= cells(picture, SKY) <= 1.2
    columns = [
        np.argwhere((picture == color).all(-1))[:, 1].mean()
        for color in ((90, 200, 10), SKY, ROAD, CAR)
    ]
    # The legend pulls the means a little, but not out of their order.
    assert columns == sorted(columns)


def test_labels_may_lie_elsewhere(files, tmp_path):
    away = tmp_path / 'away/deep'
    away.mkdir(parents=True)
    car = np.full((64, 128), 26, np.uint8)
    cv2.imwrite(str(away / 'town_2_gtFine_labelIds.png'), car)
    picture = draw(
        files, tmp_path / 'grid.png', '--labels', str(tmp_path / 'away')
    )
    assert 2.9 <= cells(picture, CAR) <= 3.2
    assert cells(picture, SKY) < 0.2


def test_labels_are_those_that_the_data_set_records(tmp_path):
    """Of any suffix, and by patterns, which no name says."""
    names = dict(rgb=('a.JPG', 'b.png'), tags=('x_a.png',))
    for folder, files in names.items():
        (tmp_path / folder).mkdir()
        for name in files:
            cv2.imwrite(
                str(tmp_path / folder / name), np.zeros((8, 8, 3), np.uint8)
            )
    dataset = FolderDataset(
        data_root=str(tmp_path),
        data_prefix=dict(img_path='rgb', seg_map_path='tags/x_*.png'),
        label_encoding='train_ids',
        lazy_init=True,
    )
    label = find_label(tmp_path / 'rgb/a.JPG', dataset)
    assert label == tmp_path / 'tags/x_a.png'
    assert find_label(tmp_path / 'rgb/b.png', dataset) is None
    # In a folder of one's own, the label has the image's name.
    cv2.imwrite(str(tmp_path / 'b.png'), np.zeros((8, 8), np.uint8))
    found = find_label(tmp_path / 'rgb/b.png', dataset, tmp_path)
    assert found == tmp_path / 'b.png'


def test_the_label_of_the_same_subfolder(tmp_path):
    names = ('0.png', 'a[1].png')
    for folder in ('rgb/town1', 'rgb/town2', 'tags/town1', 'tags/town2'):
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            picture = np.zeros((8, 8, 3), np.uint8)
            cv2.imwrite(str(tmp_path / folder / name), picture)
    prefix = dict(img_path=str(tmp_path / 'rgb'))
    dataset = FolderDataset(data_prefix=prefix, lazy_init=True)
    for name in names:
        image = tmp_path / 'rgb/town2' / name
        assert find_label(image, dataset) is None
        for folder in (tmp_path / 'tags', tmp_path / 'tags/town2'):
            found = find_label(image, dataset, folder)
            assert found == tmp_path / 'tags/town2' / name
        assert find_label(image, dataset, tmp_path / 'rgb/town2') is None
    elsewhere = tmp_path / 'rgb/0.png'
    elsewhere.write_bytes(image.read_bytes())
    with pytest.raises(InputError, match='could both be the label of'):
        find_label(elsewhere, dataset, tmp_path / 'tags')


def test_without_any_label_there_is_no_such_column(files, tmp_path):
    image = str(files / 'leftImg8bit/val/town/town_2_leftImg8bit.png')
    narrow = draw(files, tmp_path / 'a.png', images=[image])
    wide = draw(files, tmp_path / 'b.png')
    assert wide.shape[1] - narrow.shape[1] >= 120


def test_wrong_arguments_are_named(files, tmp_path):
    image = str(next(files.rglob('*_leftImg8bit.png')))
    with pytest.raises(InputError, match='nowhere.png does not exist'):
        draw(files, tmp_path / 'x.png', images=['nowhere.png'])
    with pytest.raises(InputError, match='folder of labels nowhere'):
        draw(files, tmp_path / 'x.png', '--labels', 'nowhere')
    with pytest.raises(InputError, match='--models has 1 words'):
        qualitative(['--images', image, '--models', 'config.py'])


def test_models_of_other_classes_are_refused(files, tmp_path):
    other = tmp_path / 'three.py'
    other.write_text(
        f"_base_ = '{files}/config.py'\n"
        'test_dataloader = dict(dataset=dict('
        "metainfo=dict(classes=('road', 'car', 'sky'))))"
    )
    image = str(next(files.rglob('*_leftImg8bit.png')))
    models = [
        word
        for config in (files / 'config.py', other)
        for word in ('--models', str(config), str(files / 'road.pth'))
    ]
    message = (
        r'three\.py has other classes .* \(3 classes\) .*config\.py \(19\)'
    )
    with pytest.raises(InputError, match=message):
        qualitative(['--images', image, *models])
