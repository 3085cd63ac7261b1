"""The hook against a literal loop, its control, its sign."""

import copy
import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from literal_loop import ITERS, reference
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from torch.multiprocessing.reductions import StorageWeakRef
from toy import LOSS_WEIGHT, amp_on_cpu, largest_difference, make_runner, train

from mmseg_da.registry import DATASETS


@pytest.mark.parametrize(
    ('overrides', 'settings', 'tolerance'),
    [
        ({}, {}, 0),
        ({'optim_wrapper.clip_grad': dict(max_norm=0.5)}, dict(clip=0.5), 0),
        ({'optim_wrapper.accumulative_counts': 2}, dict(accumulate=2), 0),
        ({'optim_wrapper.accumulative_counts': 4}, dict(accumulate=4), 0),
        # The scheduler multiplies rates up, iteration by iteration.
        (
            {
                'param_scheduler': [
                    dict(type='mmseg_da.PolyLR', by_epoch=False)
                ],
                'default_hooks.adversarial.param_scheduler': dict(
                    type='mmseg_da.PolyLR'
                ),
            },
            dict(power=0.9),
            1e-7,
        ),
    ],
    ids=['plain', 'clip_grad', 'accumulation', 'remainder', 'poly'],
)
def test_equals_the_literal_loop(tmp_path, overrides, settings, tolerance):
    runner = train(tmp_path, overrides)
    segmentor, discriminator = reference(runner.cfg, runner.start, **settings)
    ours = runner.model.state_dict()
    assert largest_difference(ours, runner.start.model, 'conv') > 1e-3
    assert largest_difference(ours, segmentor) <= tolerance
    assert largest_difference(ours, segmentor, 'running') <= tolerance
    ours = runner.adversarial.discriminator.state_dict()
    assert largest_difference(ours, runner.start.discriminator) > 1e-3
    assert largest_difference(ours, discriminator) <= tolerance


def test_a_discriminator_may_stay_in_full_precision(tmp_path, monkeypatch):
    amp_on_cpu(monkeypatch)
    overrides = {
        'train_cfg.max_iters': 2,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'optim_wrapper.dtype': 'bfloat16',
        'optim_wrapper.accumulative_counts': 2,
        'default_hooks.adversarial.optim_wrapper.type': 'OptimWrapper',
    }
    wrapper = train(tmp_path, overrides).adversarial.optim_wrapper
    assert type(wrapper) is OptimWrapper
    assert wrapper._accumulative_counts == 2


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_amp_equals_the_literal_loop(tmp_path, monkeypatch, dtype):
    """Two steps, after which rounding to half precision takes over."""
    amp_on_cpu(monkeypatch)
    overrides = {
        'train_cfg.max_iters': 2,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'optim_wrapper.dtype': dtype,
        'optim_wrapper.loss_scale': 'dynamic',
    }
    runner = train(tmp_path, overrides)
    segmentor, discriminator = reference(
        runner.cfg, runner.start, dtype=getattr(torch, dtype), iters=2
    )
    ours = runner.model.state_dict()
    assert largest_difference(ours, runner.start.model, 'conv') > 1e-2
    assert largest_difference(ours, segmentor) == 0
    ours = runner.adversarial.discriminator.state_dict()
    # Its two domains' gradients are summed in another order.
    assert largest_difference(ours, runner.start.discriminator) > 1e-3
    assert largest_difference(ours, discriminator) <= 1e-5


def test_what_lambda_zero_and_a_deleted_key_leave(tmp_path):
    """Lambda 0 adds the target to the BN statistics and nothing else.

    Without the key, not even that: plain MMSegmentation training.
    """
    plain = train(tmp_path / 'plain', hook=False)
    control = train(
        tmp_path / 'control', {'default_hooks.adversarial.loss_weight': 0}
    )
    # Building D drew nothing from the stream that training draws from.
    assert torch.equal(control.start.rng_state, plain.start.rng_state)
    expected = dict(plain.model.named_parameters())
    for name, parameter in control.model.named_parameters():
        assert torch.equal(parameter, expected[name]), name
    ours, theirs = control.model.state_dict(), plain.model.state_dict()
    assert largest_difference(ours, theirs, 'running_mean') > 1e-3
    # Two passes an iteration instead of one.
    counts = [
        {int(n) for name, n in state.items() if 'num_batches' in name}
        for state in (theirs, ours)
    ]
    # The auxiliary heads, without BN, see the source alone.
    assert counts == [{ITERS}, {2 * ITERS}]
    # The discriminator learns all the same: its accuracies mean something.
    discriminator = control.adversarial.discriminator.state_dict()
    start = control.start.discriminator
    assert largest_difference(discriminator, start) > 1e-3
    scalars = plain.message_hub.log_scalars
    assert not [name for name in scalars if 'adv' in name or 'disc' in name]


def test_update_makes_the_target_look_like_source(tmp_path):
    """One step of the adversarial loss alone raises D's belief."""
    overrides = {
        'train_cfg.max_iters': 1,
        'optim_wrapper.optimizer.weight_decay': 0,
        'model.decode_head.loss_decode.loss_weight': 0.0,
        'default_hooks.adversarial.loss_weight': 100,
        'default_hooks.adversarial.target_dataloader.dataset.length': 2,
    }
    for head in 0, 1:
        key = f'model.auxiliary_head.{head}.loss_decode.loss_weight'
        overrides[key] = 0.0
    runner = train(tmp_path, overrides)
    segmentor = copy.deepcopy(runner.model)
    discriminator = copy.deepcopy(runner.adversarial.discriminator)
    discriminator.load_state_dict(runner.start.discriminator)
    cfg = runner.cfg.default_hooks.adversarial.target_dataloader
    dataset = DATASETS.build(cfg.dataset)
    images = torch.stack([dataset[i]['inputs'] for i in (0, 1)])
    data = dict(inputs=list(images), data_samples=[None, None])

    def belief():
        """D's mean probability that the target is source."""
        with torch.no_grad():
            batch = segmentor.data_preprocessor(data)
            logits = segmentor(batch['inputs'])
            logits = F.interpolate(logits, images.shape[2:], mode='bilinear')
            return discriminator(logits.softmax(dim=1)).sigmoid().mean()

    after = belief()
    segmentor.load_state_dict(runner.start.model)
    assert after > belief() + 1e-4


def test_target_labels_make_no_difference(tmp_path):
    key = 'default_hooks.adversarial.target_dataloader.dataset.labels'
    with_labels = train(tmp_path / 'a', {key: 'random'})
    without = train(tmp_path / 'b')
    ours, theirs = with_labels.model.state_dict(), without.model.state_dict()
    assert largest_difference(ours, theirs) == 0


def test_logs_losses_and_accuracies(tmp_path):
    runner = train(tmp_path, {'train_cfg.max_iters': 2})
    scalars = runner.message_hub.log_scalars
    loss_adv = scalars['train/loss_adv'].data[0][0]
    # At the start D says about 0.5 everywhere.
    expected = LOSS_WEIGHT * torch.tensor(2.0).log()
    assert loss_adv == pytest.approx(expected.item(), rel=0.1)
    loss = scalars['train/loss_discriminator'].data[0][0]
    assert loss == pytest.approx(0.6931, rel=0.1)
    for domain in 'source', 'target':
        value = scalars[f'train/acc_{domain}_discriminator'].current()
        assert 0 <= value <= 1


class Mark:
    """Does nothing with a gradient, and lives as long as the graph."""

    def __call__(self, gradient):
        return None


class Leaks(Hook):
    """What is left of each iteration's target logits when it is over."""

    priority = 'LOWEST'

    def __init__(self):
        self.logits, self.graphs, self.left = [], [], []

    def before_train(self, runner):
        runner.model.register_forward_hook(self.watch, with_kwargs=True)

    def watch(self, segmentor, args, kwargs, output):
        if kwargs.get('mode') == 'tensor':
            mark = Mark()
            output.register_hook(mark)
            self.graphs.append(weakref.ref(mark))
            self.logits.append(StorageWeakRef(output.untyped_storage()))

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        hook = runner.adversarial
        self.left += [hook.iteration]
        self.left += [graph() for graph in self.graphs]
        self.left += [one for one in self.logits if not one.expired()]

    def after_train(self, runner):
        self.before_train_iter(runner, 0)


def test_nothing_of_an_iteration_outlives_it(tmp_path):
    """Without the garbage collector, which may come too late for memory."""
    runner = make_runner(tmp_path, {'train_cfg.max_iters': 3})
    leaks = Leaks()
    runner.register_hook(leaks)
    gc.disable()
    try:
        runner.train()
    finally:
        gc.enable()
    assert len(leaks.logits) == 3
    assert all(left is None for left in leaks.left)


def test_hook_runs_before_timer_logger_and_checkpoint(tmp_path):
    names = [type(h).__name__ for h in make_runner(tmp_path).hooks]
    ours = names.index('AdversarialHook')
    assert ours < names.index('IterTimerHook')
    assert ours < names.index('LoggerHook')
    assert ours < names.index('CheckpointHook')
