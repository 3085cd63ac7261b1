"""Records of runs that cannot be read."""

import argparse
from pathlib import Path

import pytest

from launch.cli import add_cfg_options
from mmseg_da.errors import InputError
from reproduction.experiments import (
    fingerprint,
    option_words,
    train,
    write_json,
)


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / 'experiment.json').write_text('{"fingerprint": "ab')
    with pytest.raises(
        InputError, match=r'experiment\.json is damaged \(.*: d'
    ):
        train('configs/demo/bisenet_adv.py', tmp_path, {}, 'demo')


def test_a_run_from_another_start_is_not_taken_for_this_one(
    tmp_path: Path,
) -> None:
    config, start = 'configs/demo/bisenet_adv.py', tmp_path / 'start'
    write_json(start / 'experiment.json', dict(fingerprint='new'))
    known = dict(fingerprint=fingerprint(config, {}), metrics=dict(mIoU=1))
    for origins, kept in (['new', None], True), (['old', None], False):
        run = dict(known, origins=origins)
        write_json(tmp_path / 'run/experiment.json', run)
        if kept:
            assert train(config, tmp_path / 'run', {}, 'a', [start]) == {
                'mIoU': 1
            }
            continue
        with pytest.raises(InputError, match='or one from another start: de'):
            train(config, tmp_path / 'run', {}, 'a', [start])


def test_a_path_with_spaces_reaches_the_config() -> None:
    options = {
        'load_from': '/home/my runs/a, b.pth',
        'train_dataloader.dataset.img_scale': (64, 32),
        'randomness.seed': 3,
    }
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    words = option_words(options)
    assert parser.parse_args(words).cfg_options == options
