import numpy as np
import pytest
from mmengine.config import Config
from tiny_data import HEIGHT, PIPELINE, WIDTH, write_image, write_label

from mmseg_da.apis import mean_iou
from mmseg_da.errors import InputError


@pytest.fixture
def cfg(tmp_path):
    """Two images: road and sky in halves, the second half of it ignored."""
    ids = np.full((HEIGHT, WIDTH), 7, np.uint8)
    ids[:, WIDTH // 2 :] = 23
    for index, label in enumerate((ids, np.where(ids == 23, 0, ids))):
        name = f'a/a_{index}_'
        write_image(tmp_path / 'img' / f'{name}leftImg8bit.png')
        write_label(tmp_path / 'gt' / f'{name}gtFine_labelIds.png', label)
    dataset = dict(
        type='mmseg_da.CityscapesDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='gt'),
        pipeline=PIPELINE,
    )
    return Config(dict(test_dataloader=dict(dataset=dataset)))


def test_mean_over_the_classes_that_occur(cfg):
    # All road: hit on 64 + 64, and 64 of sky missed: (128 / 192 + 0) / 2.
    road = mean_iou(lambda image: np.zeros(image.shape[:2], np.uint8), cfg)
    assert road == pytest.approx(100 / 3)


def test_joined_data_sets_are_scored_together(cfg):
    one = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[one, dict(one, indices=[1])]
    )
    # The second image once more: 64 pixels of road.
    road = mean_iou(lambda image: np.zeros(image.shape[:2], np.uint8), cfg)
    assert road == pytest.approx(100 * 192 / 256 / 2)


def test_bad_input_is_named(cfg):
    with pytest.raises(InputError, match='one size'):
        mean_iou(lambda image: np.zeros((2, 2), np.uint8), cfg)
    with pytest.raises(InputError, match='no test_dataloader'):
        mean_iou(None, Config(dict()))
