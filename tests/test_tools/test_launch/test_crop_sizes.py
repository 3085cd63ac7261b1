"""Crops that fit, and crops that are refused before training."""

from pathlib import Path

import pytest
from sentence import sentence

from launch import check_config
from launch.crop_sizes import check_crops
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

CONFIG = Path(__file__).parents[3] / 'configs/da/bisenet_adv_gta2cs.py'
SOURCE = 'train_dataloader.dataset.pipeline'
LOADER = 'default_hooks.adversarial.target_dataloader'
TARGET = f'{LOADER}.dataset.pipeline'
MIX = 'default_hooks.adversarial.terms'
SIZE = {
    'model.data_preprocessor.size_divisor': None,
    'model.data_preprocessor.size': (768, 512),
}


def crop(height, width, *resize):
    crop = dict(type='RandomCrop', crop_size=(height, width))
    return [*(resize or [dict(type='mmseg_da.ResizeToScale')]), crop]


def resize(keep_ratio, low=0.5):
    return dict(
        type='RandomResize',
        scale=(1280, 720),
        ratio_range=(low, 2.0),
        keep_ratio=keep_ratio,
    )


def mixing(**term):
    """Both crop to 512x512; the hook would refuse its further arguments."""
    term = dict(term, type='mmseg_da.ClassMixTerm')
    return {
        SOURCE: crop(512, 512),
        TARGET: crop(512, 512),
        MIX: dict(mix=term),
    }


@pytest.mark.parametrize(
    'options',
    [
        {},
        # 1280x720 and 1024x512.
        {SOURCE: crop(720, 1280), TARGET: crop(512, 1024)},
        {SOURCE: crop(360, 640, resize(False))},
        # An image on its side.
        {SOURCE: crop(640, 360, resize(True))},
        # Padded, as MMSegmentation's configs do.
        {SOURCE: crop(768, 512), TARGET: crop(768, 512), **SIZE},
        mixing(),
        {**mixing(), f'{LOADER}.batch_size': 8},
        # Of the image's own size.
        {**mixing(), TARGET: crop(512, 512, dict(type='Rerange'))},
        {**mixing(onto='source'), TARGET: crop(256, 256)},
    ],
)
def test_crops_that_fit_pass(options: dict) -> None:
    check_crops(load_config(CONFIG, options))


@pytest.mark.parametrize(
    ('options', 'found'),
    [
        (
            {SOURCE: crop(721, 512)},
            r'^train_dataloader\.dataset\.pipeline\.1 crops 512x721 from '
            'images that may be 1280x720: choose a smaller crop_size',
        ),
        ({TARGET: crop(513, 513)}, rf'^{TARGET}.1 crops 513x513 .* 1024x512'),
        ({SOURCE: crop(512, 512, resize(True))}, 'that may be 640x360: cho'),
        ({SOURCE: crop(640, 360, resize(False))}, 'that may be 640x360: cho'),
        (
            {**mixing(), TARGET: crop(512, 256)},
            'terms.mix mixes images of different sizes: .*source.* ends in '
            '512x512, .* ends in 256x512; crop',
        ),
        (
            {**mixing(), f'{LOADER}.batch_size': 2},
            'batch_size is 8 and .*batch_size is 2; set both to one number',
        ),
    ],
)
def test_crops_are_refused(options: dict, found: str) -> None:
    found = found.replace('.*source.*', 'train_dataloader.dataset')
    with pytest.raises(InputError, match=found) as error:
        check_crops(load_config(CONFIG, options))
    sentence(error.value)


def test_training_checks_crops() -> None:
    cfg = load_config(CONFIG, {SOURCE: crop(721, 512)})
    with pytest.raises(InputError, match='crops 512x721'):
        check_config(cfg, 'train')
