"""The adaptation hook is found by its type, wherever it stands."""

import pytest
from toy import toy_cfg

from mmseg_da.adaptation import (
    AdversarialHook,
    find_adaptation,
    find_target_dataloader,
)

TARGET = dict(dataset=dict(type='mmseg_da.ToyDataset'))


@pytest.mark.parametrize(
    ('cfg', 'key'),
    [
        (
            dict(
                default_hooks=dict(mine=dict(type='mmseg_da.AdversarialHook'))
            ),
            'default_hooks.mine',
        ),
        (
            dict(
                default_hooks=dict(timer=None, logger=dict(type='LoggerHook')),
                custom_hooks=[
                    dict(type='somewhere.NotInstalledHook'),
                    dict(type='AdaptationHook'),
                ],
            ),
            'custom_hooks[1]',
        ),
        (dict(custom_hooks=[dict(type=AdversarialHook)]), 'custom_hooks[0]'),
    ],
)
def test_finds_the_target(cfg, key):
    assert find_adaptation(cfg).key == key
    assert find_target_dataloader(cfg) is None
    find_adaptation(cfg).cfg['target_dataloader'] = TARGET
    found = find_target_dataloader(cfg)
    assert found == (f'{key}.target_dataloader', TARGET)


def test_finds_nothing_in_plain_training():
    assert find_adaptation(toy_cfg(hook=False)) is None
    assert find_adaptation(dict(default_hooks=3, custom_hooks='no')) is None
