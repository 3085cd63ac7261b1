"""What the checkpoint hook keeps besides MMEngine's."""

import random
import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from toy import labelled_loader, largest_difference, make_runner, train

from mmseg_da.engine.checkpoint_hook import random_state, set_random_state
from mmseg_da.utils.safe_load import weights_only_loading

CHECKPOINT = dict(type='mmseg_da.CheckpointHook', interval=2, by_epoch=False)
KEY = 'default_hooks.checkpoint'
VALIDATION = {
    'val_cfg': dict(type='ValLoop'),
    'train_cfg.val_interval': 2,
    'val_dataloader': dict(
        labelled_loader(), num_workers=1, persistent_workers=True
    ),
    'val_evaluator': dict(type='mmseg_da.IoUMetric', iou_metrics=['mIoU']),
}
# Several runners' workers would take seconds to end.
NO_WORKERS = {
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
}
DROPOUT = {'model.auxiliary_head.0.dropout_ratio': 0.5}


def draws():
    return random.random(), np.random.rand(), torch.rand(3).tolist()


def test_random_state_round_trip_loads_as_weights_only(tmp_path):
    random.gauss(0, 1), np.random.randn()  # leave half a pair behind
    torch.save(random_state(), tmp_path / 'state.pth')
    expected = [draws(), random.gauss(0, 1), np.random.randn()]
    draws()
    set_random_state(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert [draws(), random.gauss(0, 1), np.random.randn()] == expected


# Each epoch makes the workers' iterator anew.
EPOCHS = {
    'train_cfg': dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=3),
    'train_dataloader.sampler': dict(
        _delete_=True, type='DefaultSampler', shuffle=True
    ),
    'param_scheduler': None,
    'train_dataloader.drop_last': True,
    f'{KEY}.by_epoch': True,
    f'{KEY}.interval': 1,
}


@pytest.mark.parametrize('epochs', [False, True])
def test_dropout_goes_on(tmp_path, epochs):
    overrides = {KEY: CHECKPOINT, **DROPOUT, **(EPOCHS if epochs else {})}
    # Merging takes `_delete_` out.
    straight = train(tmp_path / 'straight', deepcopy(overrides))
    name = 'epoch_1' if epochs else 'iter_2'
    half = str(tmp_path / f'straight/{name}.pth')
    resume = {'load_from': half, 'resume': True}
    with weights_only_loading():
        resumed = train(tmp_path / 'resumed', {**overrides, **resume})
    ours, theirs = resumed.model.state_dict(), straight.model.state_dict()
    assert largest_difference(ours, theirs) == 0


def test_validation_leaves_no_trace_in_training(tmp_path):
    """Not even in the dropout, though its workers draw a seed."""
    overrides = {KEY: CHECKPOINT, **DROPOUT}
    plain = train(tmp_path / 'plain', overrides)
    validated = train(tmp_path / 'validated', {**overrides, **VALIDATION})
    assert validated.message_hub.get_info('last_validation') == 6
    ours, theirs = validated.model.state_dict(), plain.model.state_dict()
    assert largest_difference(ours, theirs) == 0


class Stop(Hook):
    def __init__(self, iteration):
        self.iteration = iteration

    def before_val(self, runner):
        if runner.iter == self.iteration:
            raise KeyboardInterrupt


@pytest.mark.parametrize('stop', [4, 6])
def test_makes_up_for_the_validation_it_was_stopped_in(tmp_path, stop):
    overrides = {
        KEY: dict(CHECKPOINT, save_best='mIoU', max_keep_ckpts=1),
        **VALIDATION,
        **NO_WORKERS,
    }
    runner = make_runner(tmp_path, overrides)
    runner.register_hook(Stop(stop))
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    validated = []
    last = str(tmp_path / f'iter_{stop}.pth')
    resumed = make_runner(
        tmp_path, {**overrides, 'resume': True, 'load_from': last}
    )
    resumed.start.after_val_epoch = lambda runner, metrics: validated.append(
        (runner.iter, metrics['mIoU'])
    )
    resumed.train()
    assert [iteration for iteration, _ in validated] == [4, 6][stop // 6 :]
    straight = train(tmp_path / 'straight', overrides)
    expected = straight.message_hub.get_scalar('val/mIoU').data[0].tolist()
    assert expected == sorted(expected)  # each the best so far
    assert [mIoU for _, mIoU in validated] == expected[stop // 3 :]
    # The best is kept, and the last checkpoint knows of it.
    found = {path.name for path in tmp_path.glob('*.pth')}
    assert found == {p.name for p in (tmp_path / 'straight').glob('*.pth')}
    with weights_only_loading():
        kept = torch.load(tmp_path / 'iter_6.pth', weights_only=True)
    best = kept['message_hub']['runtime_info']['best_score']
    assert best == expected[-1]
    # Having improved on the best, it is on record and not done again.
    again = make_runner(
        tmp_path,
        {
            **overrides,
            'resume': True,
            'load_from': str(tmp_path / 'iter_6.pth'),
        },
    )
    again.start.before_val = lambda runner: pytest.fail('validated again')
    again.train()


class Watch(Hook):
    """Which checkpoints there are while one is being written."""

    def __init__(self):
        self.seen = []

    def before_save_checkpoint(self, runner, checkpoint):
        names = Path(runner.work_dir).glob('*.pth')
        self.seen.append(sorted(path.name for path in names))


def test_the_old_goes_after_the_new_is_written(tmp_path):
    runner = make_runner(
        tmp_path,
        {
            KEY: dict(CHECKPOINT, save_best='mIoU', max_keep_ckpts=1),
            **VALIDATION,
        },
    )
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    for before, after in zip(watch.seen[1:], watch.seen[2:]):
        # Neither the last checkpoint nor the best is ever gone.
        for kind in 'iter_', 'best_':
            had = any(name.startswith(kind) for name in before)
            has = any(name.startswith(kind) for name in after)
            assert has or not had
    assert ['iter_2.pth'] in [
        [n for n in names if n.startswith('iter')] for names in watch.seen
    ]
    assert [path.name for path in tmp_path.glob('iter_*')] == ['iter_6.pth']
    assert len(list(tmp_path.glob('best_*'))) == 1


def test_resuming_finishes_the_removal(tmp_path):
    """Of what was replaced, of what was half written, and of nothing else."""
    overrides = {KEY: dict(CHECKPOINT, max_keep_ckpts=1)}
    train(tmp_path, {**overrides, 'train_cfg.max_iters': 4})
    # As if killed after writing iter_4 and before removing iter_2.
    (tmp_path / 'iter_2.pth').write_bytes(b'old')
    (tmp_path / '.iter_6.pth.123.part').write_bytes(b'half')
    (tmp_path / 'iter_1.pth').write_bytes(b'of the user')
    other = tmp_path.parent / f'{tmp_path.name}_other'
    load_from = {'load_from': str(tmp_path / 'iter_4.pth'), 'resume': True}
    # A copy of the run elsewhere leaves the first one alone.
    train(other, {**overrides, **load_from})
    assert (tmp_path / 'iter_2.pth').exists()
    train(tmp_path, {**overrides, **load_from})
    found = {path.name for path in tmp_path.glob('*iter*')}
    assert found == {'iter_1.pth', 'iter_6.pth'}


BEST = {KEY: dict(CHECKPOINT, save_best='mIoU', max_keep_ckpts=2)}
BEST |= VALIDATION | NO_WORKERS
TWO_KEYS = {**BEST, KEY: dict(BEST[KEY], save_best=['mIoU', 'mAcc'])}


def resume(work_dir, checkpoint, overrides, until):
    more = {'load_from': str(checkpoint), 'resume': True}
    with weights_only_loading():
        return train(
            work_dir, {**overrides, **more, 'train_cfg.max_iters': until}
        )


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def edited(path, best, obsolete, steps):
    """The checkpoint, naming these as replaced, with a score to beat."""
    with weights_only_loading():
        content = torch.load(path, map_location='cpu')
    info = content['message_hub']['runtime_info']
    for key in [key for key in info if key.startswith('best_')]:
        info[key] = best if key.startswith('best_ckpt') else -1.0
    info['keep_ckpt_ids'] = steps
    content['resume']['obsolete'] = obsolete
    torch.save(content, path)


@pytest.mark.parametrize('overrides', [BEST, TWO_KEYS], ids=['one', 'two'])
@pytest.mark.parametrize(
    'name',
    [
        'other',
        'other/best_mIoU_iter_1.pth',
        'run/../other/best_mIoU_iter_1.pth',
        'run/notes.txt',
        'run/best_folder.pth',
    ],
)
def test_a_checkpoint_deletes_nothing_of_others(tmp_path, name, overrides):
    folder, other = tmp_path / 'run', tmp_path / 'other'
    train(folder, {**overrides, 'train_cfg.max_iters': 2})
    for path in (
        other / 'best_mIoU_iter_1.pth',
        folder / 'notes.txt',
        folder / 'best_folder.pth/file',
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text('of the user')
    path = str(tmp_path / name)
    edited(folder / 'iter_2.pth', path, [path], [path, '../../x', 1, 2, 3])
    before = contents(tmp_path)
    resume(folder, folder / 'iter_2.pth', overrides, 4)
    # A new best, at which MMEngine deletes what is named as the old one.
    assert (folder / 'best_mIoU_iter_4.pth').exists()
    gone = {path for path in before if not path.exists()}
    assert gone <= {folder / 'iter_2.pth'}


def test_a_run_resumed_elsewhere_leaves_the_first_one_whole(tmp_path):
    first, second, copy = (tmp_path / name for name in ('a', 'b', 'copy'))
    train(first, {**BEST, 'train_cfg.max_iters': 4})
    shutil.copytree(first, copy)
    before = contents(first)
    for folder, source in ((second, first), (copy, copy)):
        resume(folder, source / 'iter_4.pth', BEST, 6)
        assert contents(first) == before
        # The copy knows its own best by name, and replaces it.
        (best,) = folder.glob('best_*.pth')
        assert best.name == 'best_mIoU_iter_6.pth'


def test_a_checkpoint_of_mmengine_resumes_with_a_warning(tmp_path):
    train(
        tmp_path,
        {
            KEY: dict(CHECKPOINT, type='CheckpointHook'),
            'train_cfg.max_iters': 2,
        },
    )
    runner = make_runner(
        tmp_path,
        {
            KEY: CHECKPOINT,
            'load_from': str(tmp_path / 'iter_2.pth'),
            'resume': True,
        },
    )
    messages = []
    runner.logger.warning = lambda message, *_: messages.append(message)
    runner.train()
    assert any('holds no random state for 1 process' in m for m in messages)
    assert runner.iter == 6
