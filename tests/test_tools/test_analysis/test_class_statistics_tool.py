import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_da.errors import InputError

ROOT = Path(__file__).parents[3]
main = runpy.run_path(str(ROOT / 'tools/analysis/class_statistics.py'))['main']

CONFIG = """
train_dataloader = dict(dataset=dict(
    type='mmseg_da.GTA5Dataset', data_root='nowhere',
    pipeline=[dict(type='mmseg_da.LoadTrainIds')]))
"""


@pytest.fixture
def run(tmp_path):
    """Count two tiny labels; further arguments are appended."""
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
        for name, label_id in (('1.png', 7), ('2.png', 26)):
            label = np.full((8, 16), label_id, np.uint8)
            cv2.imwrite(str(tmp_path / folder / name), label)
    config = tmp_path / 'config.py'
    config.write_text(CONFIG)

    def run(*arguments):
        return main(
            [
                str(config),
                '--workers=0',
                *map(str, arguments),
                '--cfg-options',
                f'train_dataloader.dataset.data_root={tmp_path}',
            ]
        )

    return run


def test_writes_json_table_and_figure(run, tmp_path, capsys):
    out, plot = tmp_path / 'new/a.json', tmp_path / 'a.png'
    result = run('--out', out)
    assert json.loads(out.read_text()) == result
    assert list(out.parent.iterdir()) == [out]
    assert result['pixel_counts'][0] == result['pixel_counts'][13] == 128
    assert '50.0000%' in capsys.readouterr().out
    # From JSONs alone, side by side.
    main([str(out), '--compare', str(out), '--plot', str(plot)])
    single = tmp_path / 'single.png'
    main([str(out), '--plot', str(single), '--linear', '--names', 'Mine'])
    both = cv2.imread(str(plot))
    assert both.shape == (540, 1200, 3)
    # The two data sets' bars, BGR, side by side.
    blue, orange = (180, 119, 31), (14, 127, 255)
    areas = [(both == color).all(-1).sum() for color in (blue, orange)]
    assert min(areas) > 1000 and 0.9 < areas[0] / areas[1] < 1.1
    assert not (cv2.imread(str(single)) == orange).all(-1).any()


def test_per_file(run, tmp_path):
    """One line a file; the JSON is otherwise the same."""
    out = tmp_path / 'a.json'
    result = run('--out', out, '--per-file')
    assert json.loads(out.read_text()) == result
    files = result.pop('files')
    assert list(files) == ['1.png', '2.png']
    assert files['1.png'] == [128] + 18 * [0]
    assert files['2.png'] == 13 * [0] + [128] + 5 * [0]
    assert '"2.png": [0, 0, ' in out.read_text()
    assert result == run()


def test_other_classes_are_not_drawn_beside(run, tmp_path):
    other = tmp_path / 'other.json'
    out = tmp_path / 'a.json'
    run('--out', out)
    statistics = json.loads(out.read_text())
    statistics['classes'][0] = 'street'
    other.write_text(json.dumps(statistics))
    with pytest.raises(InputError, match='other classes'):
        main([str(out), '--compare', str(other), '--plot', 'never.png'])


def test_wrong_arguments_are_told_before_counting(tmp_path):
    with pytest.raises(InputError, match='--compare needs --plot'):
        main(['never.py', '--compare', 'b.json'])
    with pytest.raises(InputError, match='2 names for 1'):
        main(['never.py', '--plot', 'a.png', '--names', 'a', 'b'])


def test_a_config_trains_on_what_it_wrote(tools, config, folder) -> None:
    """Rare class sampling and balanced weights from one file."""
    main([str(config), '--workers=0', '--per-file', '--out', 'a.json'])
    (folder / 'rare.py').write_text(
        f'_base_ = {str(config)!r}\n'
        "weights = dict(file='a.json', power=0.5, clip=(0.3, 4.0))\n"
        'model = dict(decode_head=dict(loss_decode=dict(\n'
        "    _delete_=True, type='mmseg_da.CrossEntropyLoss',\n"
        '    class_weight=weights)))\n'
        'train_dataloader = dict(sampler=dict(_delete_=True,\n'
        "    type='mmseg_da.RareClassSampler', statistics='a.json',\n"
        '    min_pixels=1))\n'
    )
    tools['train'](['rare.py', '--work-dir', 'w'])
    assert (folder / 'w/iter_2.pth').exists()
    option = 'train_dataloader.sampler.statistics=None'
    with pytest.raises(InputError, match='names no statistics: set train_da'):
        tools['train'](['rare.py', '--work-dir', 'v', '--cfg-options', option])
