"""Two processes over gloo: as one on the joined batch, and resumed."""

import os
import socket

import torch
import torch.multiprocessing as mp
from mmengine.hooks import Hook
from toy import (
    BATCH_SIZE,
    D_LR,
    SOURCE_SIZE,
    clone,
    labelled_loader,
    largest_difference,
    make_runner,
    train,
    with_terms,
)

from mmseg_da.utils.safe_load import weights_only_loading

# No batch statistics: they would differ between one batch and two halves.
GN = dict(type='GN', num_groups=1)
OVERRIDES = {
    'train_cfg.max_iters': 4,
    'model.backbone.norm_cfg': dict(GN, _delete_=True),
    'model.backbone.context_path.norm_cfg': dict(GN, _delete_=True),
    'model.decode_head.norm_cfg': dict(GN, _delete_=True),
    'optim_wrapper.clip_grad': dict(max_norm=1.0),
    # Adam's first steps are signs: a rounding error would be amplified.
    'default_hooks.adversarial.optim_wrapper.optimizer.eps': 1e-4,
}


# BN, dropout, EMA, a teacher; validations and checkpoints each also without
# the other.
STATEFUL = {
    **with_terms(
        adversary=True,
        teacher=dict(type='mmseg_da.EMATeacher', momentum=0.5),
        mix=dict(type='mmseg_da.ClassMixTerm', pseudo_labels='balanced'),
    ),
    'default_hooks.adaptation.target_dataloader.dataset.size': SOURCE_SIZE,
    'default_hooks.checkpoint': dict(
        type='mmseg_da.CheckpointHook', interval=3, by_epoch=False
    ),
    'model.auxiliary_head.0.dropout_ratio': 0.5,
    'custom_hooks': [
        dict(type='EMAHook', momentum=0.1, update_buffers=True),
    ],
    'train_cfg.val_interval': 2,
    'val_cfg': dict(type='ValLoop'),
    'val_dataloader': labelled_loader(),
    'val_evaluator': dict(type='mmseg_da.IoUMetric', iou_metrics=['mIoU']),
}


def result(runner, seen):
    hook = runner.adversarial
    model = getattr(runner.model, 'module', runner.model)
    return dict(
        start=runner.start.discriminator,
        model=clone(model.state_dict()),
        discriminator=clone(hook.discriminator.state_dict()),
        seen=seen,
    )


def record_images(seen):
    """Keep the first pixels of every image each domain loads."""
    from toy import ToyDataset

    original = ToyDataset.__getitem__

    def spy(self, index):
        item = original(self, index)
        domain = 'target' if self.labels is None else 'source'
        seen[domain].append(tuple(item['inputs'].flatten()[:8].tolist()))
        return item

    ToyDataset.__getitem__ = spy
    return original


def run(work_dir, overrides):
    from toy import ToyDataset

    seen = dict(source=[], target=[])
    original = record_images(seen)
    try:
        return result(train(work_dir, overrides), seen)
    finally:
        ToyDataset.__getitem__ = original


def start_rank(rank, port):
    """Join the other process; return what its runners need."""
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
    # MMEngine's own start asks for a GPU, whatever the backend.
    torch.distributed.init_process_group('gloo')
    return {
        'launcher': 'pytorch',
        # So does its wrapping of the model.
        'model_wrapper_cfg': dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
        ),
        'train_dataloader.batch_size': BATCH_SIZE // 2,
    }


def rank_main(rank, work_dir, port):
    overrides = OVERRIDES | start_rank(rank, port)
    torch.save(run(work_dir, overrides), f'{work_dir}/rank_{rank}.pt')
    torch.distributed.destroy_process_group()


class Buffers(Hook):
    """Keeps those that each iteration left and each validation saw."""

    priority = 'LOWEST'

    def __init__(self):
        self.trained, self.validated = [], []

    def after_train_iter(self, runner, *_, **__):
        self.trained.append(clone(dict(runner.model.named_buffers())))

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 0:
            self.validated.append(clone(dict(runner.model.named_buffers())))


def stateful_run(work_dir, overrides):
    runner = make_runner(work_dir, overrides)
    buffers = Buffers()
    runner.register_hook(buffers)
    with weights_only_loading():
        runner.train()
    (ema,) = (hook for hook in runner.hooks if hasattr(hook, 'ema_model'))
    return dict(
        model=clone(dict(runner.model.module.state_dict())),
        ema=clone(dict(ema.ema_model.state_dict())),
        discriminator=clone(
            runner.adaptation.terms['adversarial'].discriminator.state_dict()
        ),
        teacher=clone(runner.adaptation.teacher.state_dict()),
        trained=buffers.trained,
        validated=buffers.validated,
        mIoU=runner.message_hub.get_scalar('val/mIoU').data[0].tolist(),
    )


def resuming_rank_main(rank, work_dir, port):
    overrides = STATEFUL | start_rank(rank, port)
    # More than one, for the batch statistics of a global mean.
    overrides['train_dataloader.batch_size'] = BATCH_SIZE
    straight = stateful_run(f'{work_dir}/straight', overrides)
    half = {**overrides, 'train_cfg.max_iters': 3}
    stateful_run(f'{work_dir}/half', half)
    overrides |= {'load_from': f'{work_dir}/half/iter_3.pth', 'resume': True}
    resumed = stateful_run(f'{work_dir}/half', overrides)
    results = dict(straight=straight, resumed=resumed)
    torch.save(results, f'{work_dir}/rank_{rank}.pt')
    torch.distributed.destroy_process_group()


def spawn(main, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    mp.spawn(main, (str(tmp_path), port), nprocs=2)
    return [torch.load(tmp_path / f'rank_{rank}.pt') for rank in (0, 1)]


def test_two_resumed_ranks_equal_straight_ones_to_the_bit(tmp_path):
    ranks = spawn(resuming_rank_main, tmp_path)
    for rank in ranks:
        straight, resumed = rank['straight'], rank['resumed']
        for part in 'model', 'ema', 'discriminator', 'teacher':
            assert largest_difference(straight[part], resumed[part]) == 0
        assert len(straight['mIoU']) == 3
        assert straight['mIoU'] == resumed['mIoU']
        # Validations 4 and 6, iterations 4 to 6.
        for part, count in ('validated', 2), ('trained', 3):
            assert len(resumed[part]) == count
            pairs = zip(straight[part][-count:], resumed[part])
            assert all(largest_difference(*pair) == 0 for pair in pairs)
    # All ranks test one model, and it is the one that is saved.
    first, second = (rank['straight']['validated'] for rank in ranks)
    assert len(first) == len(second) == 3
    assert all(largest_difference(*pair) == 0 for pair in zip(first, second))
    with weights_only_loading():
        saved = torch.load(tmp_path / 'straight/iter_6.pth')['state_dict']
    for name, buffer in second[-1].items():
        if 'running_' in name:
            assert torch.equal(saved[name.removeprefix('module.')], buffer)


def test_two_ranks_equal_one_process_on_the_joined_batch(tmp_path):
    ranks = spawn(rank_main, tmp_path)
    one = run(tmp_path / 'one', OVERRIDES)

    for part in 'model', 'discriminator':
        # In step with each other, to the bit, and with one process.
        assert largest_difference(ranks[0][part], ranks[1][part]) == 0
        assert largest_difference(ranks[0][part], one[part]) <= 1e-6
    moved = largest_difference(one['discriminator'], one['start'])
    assert moved > D_LR
    assert largest_difference(ranks[1]['start'], one['start']) == 0

    for domain in 'source', 'target':
        first, second = (rank['seen'][domain] for rank in ranks)
        # Different images in an iteration, together the single process's.
        assert all(a != b for a, b in zip(first, second))
        joined = [image for pair in zip(first, second) for image in pair]
        assert joined == one['seen'][domain]
