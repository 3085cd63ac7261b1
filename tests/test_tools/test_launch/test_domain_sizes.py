"""Padding that would tell the domains apart."""

from pathlib import Path

import pytest

from launch import check_config
from launch.domain_sizes import check_domain_sizes
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / 'configs/da/bisenet_adv_gta2cs.py'
SOURCE = 'train_dataloader.dataset'
TARGET = 'default_hooks.adversarial.target_dataloader.dataset'
DIVISOR = 'model.data_preprocessor.size_divisor'
CROP = [
    dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop', crop_size=(500, 1024)),
]


@pytest.mark.parametrize(
    'options',
    [
        {},
        {DIVISOR: 16},  # 1280x720 and 1024x512
        {DIVISOR: 32, f'{SOURCE}.img_scale': (1280, 736)},
        # Both domains get the same border.
        {
            DIVISOR: 32,
            **{f'{k}.img_scale': (90, 50) for k in (SOURCE, TARGET)},
        },
        {DIVISOR: 32, 'default_hooks.adversarial': None},
    ],
)
def test_sizes_that_fit_pass(options: dict) -> None:
    check_domain_sizes(load_config(CONFIG, options))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            {DIVISOR: 32},
            r'^train_dataloader\.dataset ends in images of 1280x720, which '
            r'model\.data_preprocessor\.size_divisor=32 pads to 1280x736, ',
        ),
        (
            {DIVISOR: 16, f'{TARGET}.img_scale': (1000, 500)},
            rf'^{TARGET} ends in images of 1000x500, .* pads to 1008x512, ',
        ),
        (
            {DIVISOR: 32, f'{SOURCE}.pipeline': CROP},
            r'images of 1024x500, .* pads to 1024x512',
        ),
        (
            {DIVISOR: None, 'model.data_preprocessor.size': (720, 1280)},
            rf'{TARGET} .* 1024x512, .*size=\(720, 1280\) pads to 1280x720',
        ),
    ],
)
def test_padding_of_one_domain_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_config(load_config(CONFIG, options), 'train')


def test_joined_data_sets_are_each_checked() -> None:
    cfg = load_config(CONFIG, {DIVISOR: 32, f'{SOURCE}.img_scale': (64, 32)})
    odd = dict(cfg.train_dataloader.dataset, img_scale=(64, 30))
    cfg.train_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[cfg.train_dataloader.dataset, odd]
    )
    with pytest.raises(InputError, match=r'dataset\.datasets\.1 .* 64x30'):
        check_domain_sizes(cfg)
