"""Two processes over gloo do what one does on the joined batch."""

import os
import socket

import torch
import torch.multiprocessing as mp
from toy import BATCH_SIZE, D_LR, clone, largest_difference, train

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


def rank_main(rank, work_dir, port):
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
    overrides = dict(
        OVERRIDES,
        **{
            'launcher': 'pytorch',
            # So does its wrapping of the model.
            'model_wrapper_cfg': dict(
                type='MMDistributedDataParallel',
                device_ids=None,
                broadcast_buffers=False,
            ),
            'train_dataloader.batch_size': BATCH_SIZE // 2,
        },
    )
    torch.save(run(work_dir, overrides), f'{work_dir}/rank_{rank}.pt')
    torch.distributed.destroy_process_group()


def test_two_ranks_equal_one_process_on_the_joined_batch(tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    mp.spawn(rank_main, (str(tmp_path), port), nprocs=2)
    ranks = [torch.load(tmp_path / f'rank_{rank}.pt') for rank in (0, 1)]
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
