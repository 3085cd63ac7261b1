"""How rows are run, and what is read from their folders."""

import sys
import time
from pathlib import Path

import pytest

from mmseg_da.errors import InputError
from reproduction import experiments
from reproduction.collect import best_checkpoint, collect_row
from reproduction.demo_options import demo_options
from reproduction.experiments import write_json
from reproduction.run import check_data, run_rows
from reproduction.suites import SUITES, select_rows

ROOT = Path(__file__).parents[3]
DEMO = SUITES['demo']
NONE, FLIP = select_rows('table2')[:2]


def test_a_failure_is_noted_and_the_others_run(tmp_path, capsys, finish):
    calls = []

    def train(config, work_dir, options, title):
        calls.append((config, work_dir, options))
        if title == NONE.name:
            raise InputError('no data here')
        finish(FLIP, tmp_path, [(80, 12.5)])

    assert run_rows([NONE, FLIP], DEMO, tmp_path, train) == [NONE.name]
    assert calls == [
        (row.config, tmp_path / row.name, demo_options(row.config))
        for row in (NONE, FLIP)
    ]
    failed, done = (collect_row(row, tmp_path, DEMO) for row in (NONE, FLIP))
    assert (failed['state'], failed['error']) == ('failed', 'no data here')
    assert (done['state'], done['mIoU']) == ('done', 12.5)
    printed = capsys.readouterr().out
    assert 'failed: no data here' in printed
    assert 'mIoU 12.50' in printed


def test_what_is_done_is_not_trained_again(tmp_path, monkeypatch, finish):
    commands = []

    def run_tool(words, log, title):
        commands.append(words)
        if len(commands) == 1:
            raise InputError('stopped')
        finish(NONE, tmp_path, [(80, 12.5)])

    monkeypatch.setattr('reproduction.experiments.run_tool', run_tool)
    assert run_rows([NONE], DEMO, tmp_path) == [NONE.name]
    assert run_rows([NONE], DEMO, tmp_path) == []
    seconds = collect_row(NONE, tmp_path, DEMO)['seconds']
    assert run_rows([NONE], DEMO, tmp_path) == []
    assert len(commands) == 2
    assert commands[0] == commands[1]
    assert commands[0][:2] == ['tools/train.py', NONE.config]
    assert commands[0][-1] == '--resume'
    result = collect_row(NONE, tmp_path, DEMO)
    assert (result['state'], result['error']) == ('done', None)
    assert result['seconds'] == seconds


def test_time_adds_up_over_attempts(tmp_path):
    def train(*_):
        raise InputError('again')

    write_json(
        tmp_path / NONE.name / 'status.json',
        dict(seconds=100.0, error='stopped', finished=False),
    )
    run_rows([NONE], DEMO, tmp_path, train)
    assert 100 <= collect_row(NONE, tmp_path, DEMO)['seconds'] < 110


def test_an_interrupted_row_keeps_its_time_and_is_not_failed(tmp_path):
    def train(*_):
        raise KeyboardInterrupt

    work_dir = tmp_path / NONE.name
    write_json(work_dir / 'experiment.json', dict(command=['x']))
    write_json(work_dir / 'status.json', dict(seconds=100.0, error='before'))
    with pytest.raises(KeyboardInterrupt):
        run_rows([NONE], DEMO, tmp_path, train)
    result = collect_row(NONE, tmp_path, DEMO)
    assert (result['state'], result['error']) == ('not finished', None)
    assert result['seconds'] >= 100


def test_missing_data_is_found_before_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmseg_da.utils.config.REPO_ROOT', tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    with pytest.raises(InputError, match='looked for images in .*data/gta5'):
        check_data(select_rows('table3'), SUITES['paper'])


def test_a_stopped_suite_leaves_no_training_behind(tmp_path, monkeypatch):
    (tmp_path / 'tool.py').write_text(
        'import time\nprint("started", flush=True)\ntime.sleep(60)\n'
    )
    monkeypatch.setattr(experiments, 'REPO_ROOT', tmp_path)
    monkeypatch.setattr(experiments, '_show', lambda *_: sys.exit(143))
    start = time.monotonic()
    with pytest.raises(SystemExit):
        experiments.run_tool(['tool.py'], tmp_path / 'log', 'title')
    # It waits for its process to end, and would for a minute.
    assert time.monotonic() - start < 30
    assert (tmp_path / 'log').read_text() == 'started\n'


# Collecting


def test_the_best_validation_counts(tmp_path, finish):
    finish(NONE, tmp_path, [(20, 5.0), (40, 30.0), (80, 10.0)])
    result = collect_row(NONE, tmp_path, DEMO)
    assert (result['mIoU'], result['iteration']) == (30.0, 40)
    assert result['IoU'] == {'road': 31.0}
    assert result['curves']['mIoU'] == [(20, 5.0), (40, 30.0), (80, 10.0)]


def test_resumed_runs_replace_what_they_repeat(tmp_path, finish):
    finish(NONE, tmp_path, [(4, 8.0)], losses=[(2, 3.0), (4, 2.0)])
    later = tmp_path / NONE.name / '20260102_000000/vis_data/scalars.json'
    later.parent.mkdir(parents=True)
    # A line that was being written when the run was killed.
    later.write_text('{"loss": 1.5, "step": 4}\n{"loss": 1.0, "st')
    curves = collect_row(NONE, tmp_path, DEMO)['curves']
    assert curves['loss'] == [(2, 3.0), (4, 1.5)]


def test_nothing_there_is_not_run(tmp_path):
    assert collect_row(NONE, tmp_path, DEMO)['state'] == 'not run'
    write_json(tmp_path / NONE.name / 'experiment.json', dict(command=[]))
    assert collect_row(NONE, tmp_path, DEMO)['state'] == 'not finished'


def test_numbers_of_another_version_are_left_out(tmp_path, finish):
    finish(NONE, tmp_path, [(80, 12.5)])
    record = tmp_path / NONE.name / 'experiment.json'
    for print_of_run, state in (
        (experiments.fingerprint(NONE.config, demo_options(NONE.config)), 1),
        ('another', 0),
    ):
        write_json(record, dict(fingerprint=print_of_run, metrics={}))
        result = collect_row(NONE, tmp_path, DEMO)
        assert result['state'] == ('of another version', 'done')[state]
        assert ('mIoU' in result) == bool(state)
        assert bool(result['curves']['mIoU']) == bool(state)


@pytest.mark.parametrize('form', [str, lambda path: dict(file=str(path))])
def test_class_weights_are_part_of_a_version(tmp_path, form):
    path = tmp_path / 'weights.json'
    options = {'model.decode_head.loss_decode.class_weight': form(path)}
    found = set()
    for text in (None, 'a', 'b'):
        if text:
            path.write_text(text)
        found.add(experiments.fingerprint(NONE.config, options))
    assert len(found) == 3


def test_best_checkpoint_before_the_last(tmp_path):
    assert best_checkpoint(tmp_path) is None
    last = tmp_path / 'iter_80.pth'
    last.touch()
    # As written where the folder was before it was moved.
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/iter_80.pth')
    assert best_checkpoint(tmp_path) == last
    best = tmp_path / 'best_mIoU_iter_40.pth'
    best.touch()
    assert best_checkpoint(tmp_path) == best
