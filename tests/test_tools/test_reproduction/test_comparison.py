"""Comparisons: rows from the metafile, stops, and the table."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from reproduction import comparison_runs, experiments
from reproduction.comparison import (
    COMPARISONS,
    Comparison,
    Method,
    list_methods,
    read_comparison,
    row_options,
    select_methods,
)
from reproduction.comparison_report import write_comparison
from reproduction.comparison_runs import run_comparison

METHODS = [
    Method('start', 'configs/a/start.py'),
    Method('plain', 'configs/a/plain.py', start='start'),
    Method('better', 'configs/a/better.py', control='plain', start='start'),
]
GAP = ['start', 'plain']
TOY = Comparison(
    'a', METHODS, 'mIoU2', ['road', 'car'], GAP, 'configs/a/bn.py'
)


@pytest.mark.parametrize('name', [*COMPARISONS, 'demo'])
def test_every_control_and_start_is_a_row(name):
    found = read_comparison(name)
    labels = [method.label for method in found.methods]
    assert len(set(labels)) == len(labels) > 5
    for method in found.methods:
        assert method.control in (None, *labels)
        assert method.needs <= set(labels)
    assert set(found.gap) <= set(labels)


def test_only_some_rows_and_what_they_are_compared_with():
    found = select_methods(
        read_comparison('carla2camvid'), 'pasted*sure,oracle'
    )
    assert [method.label.split(':')[0] for method in found.methods] == [
        *('start', 'source only', 'class weights'),
        'class weights, source mixed with source',
        'recipe',
        'class weights, pasted on target, sure pseudo-labels',
        'oracle',
    ]
    with pytest.raises(InputError, match='--only x matches none of the rows'):
        select_methods(TOY, 'x')


def test_list_shows_the_rows_of_the_comparison():
    assert list_methods(select_methods(TOY, 'better')).splitlines()[2:] == [
        '| start | - | `configs/a/start.py` |',
        '| plain | - | `configs/a/plain.py` |',
        '| better | plain | `configs/a/better.py` |',
    ]


def test_data_moves_to_another_folder():
    options = row_options(
        TOY,
        'configs/carla2camvid/bisenet_recipe_carla2camvid.py',
        '/elsewhere',
    )
    assert options['train_dataloader.dataset.data_root'] == '/elsewhere/carla'
    target = 'default_hooks.adaptation.target_dataloader.dataset.data_root'
    assert options[target] == '/elsewhere/camvid'
    assert len(options) == 4


def test_a_comparison_may_be_of_another_size_and_length():
    path = 'configs/carla2camvid/bisenet_recipe_carla2camvid.py'
    larger = read_comparison('carla2camvid_240x180')
    cfg = load_config(path, row_options(larger, path, 'data'))
    target = cfg.default_hooks.adaptation.target_dataloader
    for loader in (cfg.train_dataloader, target):
        sizes = [
            (step.get('scale'), step.get('crop_size'))
            for step in loader.dataset.pipeline
            if step.type in ('RandomResize', 'RandomCrop')
        ]
        assert sizes == [((240, 180), None), (None, (144, 192))]
    assert cfg.val_dataloader.dataset.img_scale == (240, 180)
    assert cfg.test_dataloader.dataset.img_scale == (240, 180)
    small = load_config(path)
    assert cfg.train_cfg.max_iters == 2 * small.train_cfg.max_iters == 400
    assert cfg.train_cfg.val_interval == 400
    # Nothing else differs.
    changed = row_options(larger, path, 'data').keys()
    assert len(changed - row_options(TOY, path, 'data').keys()) == 8


def test_a_comparison_may_train_in_bfloat16():
    path = 'configs/carla2camvid/bisenet_recipe_carla2camvid.py'
    options = row_options(read_comparison('carla2camvid_long'), path, 'data')
    wrapper = options.pop('optim_wrapper.type')
    assert wrapper == 'mmseg_da.BFloat16OptimWrapper'
    assert options.pop('train_cfg.max_iters') == 800
    assert options.pop('train_cfg.val_interval') == 800
    assert options == row_options(TOY, path, 'data')


def write_run(folder: Path, value: float, seconds: float) -> None:
    for kind, gain in (('plain', 0), ('bn', 5)):
        metrics = {'mIoU2': value + gain, 'IoU.road': 2 * value}
        metrics['IoU.car'] = 0.0
        experiments.write_json(
            folder / kind / 'experiment.json', dict(metrics=metrics)
        )
    scalars = folder / '20260101_000000/vis_data/scalars.json'
    scalars.parent.mkdir(parents=True)
    line = json.dumps(dict(loss=1.0, time=seconds, step=1))
    scalars.write_text(f'{line}\n')


def test_the_table_pairs_by_seed(tmp_path):
    for seed, (plain, better) in enumerate([(10, 14), (20, 19), (30, 33)]):
        write_run(tmp_path / f'start_seed{seed}', 5, 0.5)
        write_run(tmp_path / f'plain_seed{seed}', plain, 0.5)
        write_run(tmp_path / f'better_seed{seed}', better, 1.0)
    paths = write_comparison(
        TOY, [0, 1, 2], tmp_path, ['tools/x.py', '--only', 'a b']
    )
    rows = paths[0].read_text().splitlines()
    assert "`python tools/x.py --only 'a b'`" in rows
    better = next(row for row in rows if row.startswith('| better'))
    cells = [cell.strip() for cell in better.split('|')][1:-1]
    # 14, 19 and 33; 4, -1 and 3 over the control; 17 of the 15 between the
    # start's 5 and the plain 20; twice the time.
    assert cells == [
        'better',
        '22.00 ± 9.85',
        '2.00 ± 2.65 (2 of 3) over plain',
        '113%',
        '27.00 ± 9.85',
        '2.00',
        '44.0',
        '0.0',
    ]
    with pytest.raises(InputError, match='holds no result: run the command'):
        write_comparison(TOY, [3], tmp_path, [])
    # Without re-estimated BatchNorm its column is left out.
    trained = replace(TOY, adapt_bn=None)
    paths = write_comparison(trained, [0], tmp_path, [])
    assert '| 14.00 | 4.00 (1 of 1) over plain | 180% | 2.00 |' in (
        paths[0].read_text()
    )


def test_a_row_follows_its_start_and_its_teacher(tmp_path, monkeypatch):
    teacher = 'default_hooks.adaptation.teacher.checkpoint'
    taught = Method(
        'taught', 'configs/a/taught.py', start='start', teacher='better'
    )
    comparison = replace(TOY, methods=[taught, *METHODS], adapt_bn=None)
    ran = {}

    def train(config, folder, options, title, origins):
        # Raises where what it starts from is not there yet.
        ran[folder.name] = options.get('load_from'), options.get(teacher)
        folder.mkdir()
        (folder / 'iter_1.pth').touch()
        (folder / 'last_checkpoint').write_text(str(folder / 'iter_1.pth'))
        return {}

    monkeypatch.setattr(experiments, 'train', train)
    monkeypatch.setattr(experiments, 'test', lambda *args: {})
    monkeypatch.setattr(comparison_runs, 'row_options', lambda *args: {})
    toy = Config(dict(val_dataloader={}, test_dataloader={}))
    monkeypatch.setattr(Config, 'fromfile', lambda path: toy)
    run_comparison(comparison, [0, 1], 'data', tmp_path, jobs=1)
    start, better = (
        tmp_path / f'{name}_seed1/iter_1.pth' for name in ('start', 'better')
    )
    assert len(ran) == 8
    assert ran['start_seed1'] == (None, None)
    assert ran['plain_seed1'] == (start, None)
    assert ran['taught_seed1'] == (start, better)


def test_a_failure_ends_the_runs_beside_it(tmp_path, monkeypatch):
    """At once, with what was not begun left out."""
    begun = []

    def run(shared, method, seed, data, out, own):
        begun.append(seed)
        if seed == 0:
            time.sleep(0.2)
            raise InputError('no data')
        experiments.run_tool(['sleep.py'], out / 'log', 'sleeper')

    (tmp_path / 'sleep.py').write_text('import time; time.sleep(60)')
    monkeypatch.setattr(experiments, 'REPO_ROOT', tmp_path)
    monkeypatch.setattr(comparison_runs, '_run', run)
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    start = time.monotonic()
    with pytest.raises(InputError, match='no data'):
        run_comparison(TOY, [0, 1, 2, 3], 'data', tmp_path, jobs=2)
    assert time.monotonic() - start < 20
    assert 3 not in begun
    assert not experiments.RUNNING


def test_a_row_starts_from_weights_and_resumes_its_own_run(
    tmp_path, monkeypatch
):
    """Or it would go on with the start's iteration, at whose end it is."""
    commands = []
    monkeypatch.setattr(
        experiments, 'run_tool', lambda words, *_: commands.append(words)
    )
    monkeypatch.setattr(experiments, 'read_scalars', lambda _: ({}, [(1, {})]))
    config = 'configs/carla2camvid/bisenet_recipe_carla2camvid.py'
    options = dict(load_from='start.pth')
    for name in ('new', 'begun'):
        folder = tmp_path / name
        folder.mkdir()
        if name == 'begun':
            (folder / 'last_checkpoint').write_text('iter_100.pth')
        experiments.train(config, folder, options, name)
    assert '--resume' not in commands[0]
    assert commands[1][-1] == '--resume'
    assert 'load_from=start.pth' in commands[0]
