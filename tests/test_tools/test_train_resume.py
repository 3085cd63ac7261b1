"""A run that is killed at any moment and resumed ends as if never stopped."""

import random
import re
import shutil
from pathlib import Path

import pytest
import torch
from train_server import TrainServer, write_experiment

from mmseg_da.utils.safe_load import weights_only_loading

# What a clock, a path, the repository and a validation made up for write:
# MMEngine counts the latter as the next iteration's.
NOT_COMPARED = {'meta', 'time', 'data_time', 'eta', 'memory', 'obsolete'}
NOT_COMPARED |= {'experiment_name', 'cfg', 'mmengine_version', 'iter'}


@pytest.fixture(scope='module')
def server():
    with TrainServer() as server:
        yield server


@pytest.fixture(scope='module')
def straight(server, tmp_path_factory):
    """The run that was never stopped."""
    root = tmp_path_factory.mktemp('straight')
    config = write_experiment(root)
    answer = server.run([config, '--work-dir', root / 'run'], root / 'log')
    assert answer['status'] == 0, (root / 'log').read_text()[-3000:]
    return dict(
        config=config,
        final=load(root / 'run/iter_12.pth'),
        best=best(root / 'run'),
        length=(root / 'run/iter_12.pth').stat().st_size,
    )


def load(path):
    with weights_only_loading():
        return torch.load(path, map_location='cpu', weights_only=True)


def best(work_dir):
    (path,) = work_dir.glob('best_*.pth')
    return path.name, load(path)['state_dict']


def assert_same(ours, theirs, where=''):
    """Equal to the bit, whatever is nested in what."""
    assert type(ours) is type(theirs), where
    if hasattr(ours, '_log_history'):  # MMEngine's history of a scalar
        ours, theirs = ours._log_history, theirs._log_history
        assert (ours == theirs).all(), where
    elif isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            if str(key).rsplit('/')[-1] not in NOT_COMPARED:
                assert_same(ours[key], theirs[key], f'{where}/{key}')
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), where
        for i, pair in enumerate(zip(ours, theirs)):
            assert_same(*pair, f'{where}/{i}')
    elif isinstance(ours, str) and '/' in ours:
        assert Path(ours).name == Path(theirs).name, where
    else:
        assert ours == theirs, where


def whole(path):
    """The iteration of a checkpoint, 0 if it cannot be loaded."""
    try:
        return load(path)['meta']['iter']
    except Exception:
        return 0


def last_good(work_dir):
    """Where to resume: found the plain way, by loading what is there."""
    newest = max(map(whole, work_dir.glob('iter_*.pth')), default=0)
    pointer = work_dir / 'last_checkpoint'
    # Killed before this named the newest one: it still names a good one.
    named = whole(pointer.read_text()) if pointer.exists() else 0
    return named or newest


# Functions to die in, and about how many calls a whole run makes in each.
CALLS = dict(
    train_step=42000,
    val_step=8700,
    save_checkpoint=600000,
    put=860,
    remove_obsolete=66,
    anywhere=1000000,
)


def draw_kill(rng, straight, fell):
    """A point in time at which to die, and its name."""
    names = [*CALLS, 'half a file']
    rng.shuffle(names)
    where = min(names, key=fell.count)
    if where == 'half a file':
        share = rng.uniform(0.1, 0.9)
        return where, dict(max_file=int(share * straight['length']))
    if where == 'anywhere':
        return where, dict(kill_after=rng.randrange(1, CALLS[where]))
    # Within the first half of the run, so that most kills come to pass.
    calls = rng.randrange(1, CALLS[where] // 2)
    return where, dict(kill_after=calls, kill_in=where)


def run_killed(server, straight, tmp_path, rng, fell, kills):
    """Run to the end, killed until so many kills are in the list ``fell``."""
    work_dir, saved = tmp_path / 'run', 0
    while True:
        name, order = '', {}
        if len(fell) < kills:
            name, order = draw_kill(rng, straight, fell)
        log = tmp_path / f'log_{len(fell)}'
        words = [straight['config'], '--work-dir', work_dir, '--resume']
        answer = server.run(words, log, **order)
        resumed = re.findall(r'resumed epoch: 0, iter: (\d+)', log.read_text())
        # From the last good checkpoint; killed early, it may not get there.
        assert resumed == [str(saved)] * len(resumed)
        assert resumed or order or not saved
        assert last_good(work_dir) >= saved
        saved = last_good(work_dir)
        if not order:
            assert answer['status'] == 0, log.read_text()[-3000:]
        if answer['status'] == 0:
            return
        assert answer['status'] < 0, log.read_text()[-3000:]
        fell.append(name)


def assert_ends_like(straight, work_dir):
    assert_same(load(work_dir / 'iter_12.pth'), straight['final'])
    name, state = best(work_dir)
    assert name == straight['best'][0]
    assert_same(state, straight['best'][1])
    # Nothing is left of what was replaced or cut short.
    files = {path.name for path in work_dir.iterdir() if path.is_file()}
    assert files == {name, 'iter_12.pth', 'last_checkpoint', 'tiny.py'} | (
        files & {'run.json'}
    )


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    'kills', [3, pytest.param(20, marks=pytest.mark.slow)]
)
def test_killed_at_random_points_ends_the_same(
    server, straight, tmp_path, kills
):
    rng, fell, run = random.Random(0), [], 0
    # A kill that was drawn behind the end of a run does not fall.
    while len(fell) < kills:
        folder = tmp_path / str(run := run + 1)
        folder.mkdir()
        run_killed(server, straight, folder, rng, fell, kills)
        assert_ends_like(straight, folder / 'run')
        shutil.rmtree(folder)
    assert kills < 20 or set(fell) == {*CALLS, 'half a file'}
