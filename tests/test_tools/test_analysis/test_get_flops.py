import runpy
from pathlib import Path

import pytest

from mmseg_da.errors import InputError

ROOT = Path(__file__).parents[3]
CONFIG = 'configs/da/bisenet_adv_gta2cs.py'
get_flops = runpy.run_path(str(ROOT / 'tools/analysis/get_flops.py'))['main']


def test_prints_multiply_accumulates_from_any_folder(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = get_flops([CONFIG, '--shape', '512', '1024'])
    assert result['macs'] == 25445933778
    text = capsys.readouterr().out
    assert '3 x 512 x 1024' in text
    assert '12,054,042' in text and '12,068,672' in text
    assert 'Multiply-accumulates:   25.4459 G' in text
    assert '1 MAC = 2 FLOPs: 50.8919' in text


def test_one_number_means_a_square():
    assert get_flops([CONFIG, '--shape', '64'])['shape'] == (64, 64)


def test_half_the_width_of_a_head_changes_the_count():
    # The 3x3 fusion convolution and the two 1x1s of its gate, 19 -> 9
    # channels, at 1/8 of 64x64; and the classifier.
    full = get_flops([CONFIG, '--shape', '64'])['macs']
    small = get_flops(
        [
            CONFIG,
            '--shape',
            '64',
            '--cfg-options',
            'model.decode_head.channels=9',
        ]
    )['macs']
    fuse = 1024 * 9 * 10 * 64
    gate = 2 * (19 * 19 - 9 * 9)
    classify = 10 * 19 * 64
    assert full - small == fuse + gate + classify


@pytest.mark.parametrize('shape', [['0', '5'], ['1', '2', '3']])
def test_impossible_shape_is_named(shape):
    with pytest.raises(InputError, match='--shape is'):
        get_flops([CONFIG, '--shape', *shape])


def test_a_sliding_window_counts_each_crop():
    whole = get_flops([CONFIG, '--shape', '64'])['macs']
    slide = ['mode=slide', 'crop_size=(64,64)', 'stride=(32,32)']
    words = [f'model.test_cfg.{word}' for word in slide]
    found = get_flops(
        [CONFIG, '--shape', '64', '128', '--cfg-options', *words]
    )
    assert found['macs'] == 3 * whole
