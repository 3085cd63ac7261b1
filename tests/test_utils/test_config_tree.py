"""The target's loader is found wherever its hook stands."""

import pytest
from toy import toy_cfg

from mmseg_da.utils.config_tree import find_target_loader

TARGET = dict(dataset=dict(type='mmseg_da.ToyDataset'))
HOOK = dict(type='mmseg_da.AdaptationHook', target_dataloader=TARGET)


@pytest.mark.parametrize(
    ('cfg', 'key'),
    [
        (dict(default_hooks=dict(mine=HOOK)), 'default_hooks.mine'),
        (
            dict(
                default_hooks=dict(timer=None, logger=dict(type='LoggerHook')),
                custom_hooks=[dict(type='EMAHook'), HOOK],
            ),
            'custom_hooks.1',
        ),
    ],
)
def test_finds_the_target(cfg, key):
    assert find_target_loader(cfg) == (f'{key}.target_dataloader', TARGET)


def test_finds_nothing_in_plain_training():
    assert find_target_loader(toy_cfg(hook=False)) is None
    assert find_target_loader(dict(default_hooks=3, custom_hooks='no')) is None
