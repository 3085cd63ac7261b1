"""Rubbish stops the run; a discriminator out of balance is told."""

import math

import pytest
import torch
from mmengine.config import Config
from toy import CONFIGS, largest_difference, make_runner, train

from mmseg_da.adaptation import AdversarialHook, AdversarialTerm
from mmseg_da.engine import DivergenceHook
from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS

KEY = 'default_hooks.divergence'
HOOK = dict(type='mmseg_da.DivergenceHook')


def watching(**kwargs):
    """A hook that watches an adversarial term, outside of a runner."""
    hook = DivergenceHook(**kwargs)
    key = AdversarialHook.key
    hook._terms = [AdversarialTerm(dict(), dict(), key=key)]
    return hook


def poison(runner, iteration, value, where):
    """Make a loss or a gradient rubbish in one iteration (from 0)."""
    model = runner.model

    def spoil_loss(module, args, kwargs, losses):
        if runner.iter == iteration and kwargs.get('mode') == 'loss':
            losses[where] = losses[where] * value
        return losses

    def spoil_gradient(grad):
        return grad * value if runner.iter == iteration else grad

    if where == 'gradient':
        next(model.parameters()).register_hook(spoil_gradient)
    else:
        model.register_forward_hook(spoil_loss, with_kwargs=True)


def warnings_of(runner):
    messages = []
    runner.logger.warning = lambda message, *_: messages.append(message)
    return messages


@pytest.mark.parametrize('value', [math.nan, math.inf])
@pytest.mark.parametrize('hook', [True, False], ids=['adapted', 'plain'])
def test_rubbish_loss_stops_before_the_checkpoint(tmp_path, value, hook):
    overrides = {KEY: HOOK, 'default_hooks.checkpoint.interval': 1}
    runner = make_runner(tmp_path, overrides, hook)
    poison(runner, 2, value, 'decode.loss_ce')
    with pytest.raises(
        InputError,
        match=rf'^decode.loss_ce is {value} at iteration 3, and training '
        r'stopped .* lower optim_wrapper.optimizer.lr',
    ):
        runner.train()
    saved = {path.name for path in tmp_path.glob('iter_*.pth')}
    assert saved == {'iter_1.pth', 'iter_2.pth'}


def test_rubbish_gradient_stops_before_the_checkpoint(tmp_path):
    """Else the weights of that step would be saved."""
    overrides = {KEY: HOOK, 'default_hooks.checkpoint.interval': 1}
    runner = make_runner(tmp_path, overrides)
    poison(runner, 1, math.nan, 'gradient')
    with pytest.raises(
        InputError, match='^grad_norm_segmentor is nan at iteration 2'
    ):
        runner.train()
    assert not (tmp_path / 'iter_2.pth').exists()


def test_rubbish_of_the_discriminator_stops(tmp_path):
    runner = make_runner(tmp_path, {KEY: HOOK})
    train_iter = runner.adversarial.after_train_iter

    def spoil(runner, *args, **kwargs):
        hook = runner.adversarial
        weight = next(hook.discriminator.parameters())
        weight.data[:] = math.inf if runner.iter == 3 else weight.data
        train_iter(runner, *args, **kwargs)

    runner.adversarial.after_train_iter = spoil
    with pytest.raises(InputError, match='loss_discriminator is nan'):
        runner.train()
    assert runner.iter == 3


def test_warn_trains_on_and_says_it_once_a_window(tmp_path):
    overrides = {KEY: dict(HOOK, action='warn', window=4)}
    runner = make_runner(tmp_path, overrides)
    messages = warnings_of(runner)
    poison(runner, 0, math.nan, 'gradient')
    runner.train()
    assert runner.iter == 6
    found = [message for message in messages if ' is nan at ' in message]
    # Of iterations 1 to 6, all rubbish: the first, and the first after it
    # has been quiet for 4.
    assert [message.split(':')[0][-1] for message in found] == ['1', '6']


def test_norms_are_those_of_the_steps_and_change_nothing(tmp_path):
    norms = []

    def keep(optimizer, args, kwargs):
        total = sum(
            parameter.grad.double().square().sum()
            for parameter in optimizer.param_groups[0]['params']
            if parameter.grad is not None
        )
        norms.append(total.sqrt().item())

    watched = make_runner(
        tmp_path / 'watched',
        {KEY: HOOK, 'optim_wrapper.accumulative_counts': 2},
    )
    watched.start.before_train_epoch = lambda runner: (
        runner.optim_wrapper.optimizer.register_step_pre_hook(keep)
    )
    watched.train()
    logged = watched.message_hub.get_scalar('train/grad_norm_segmentor').data
    # Six iterations of accumulation 2: three steps.
    assert len(norms) == 3
    assert logged[0].tolist() == pytest.approx(norms, rel=1e-5)
    of_d = watched.message_hub.get_scalar('train/grad_norm_discriminator')
    assert len(of_d.data[0]) == 3 and (of_d.data[0] > 0).all()

    plain = train(tmp_path / 'plain', {'optim_wrapper.accumulative_counts': 2})
    ours, theirs = watched.model.state_dict(), plain.model.state_dict()
    assert largest_difference(ours, theirs) == 0
    # Nothing stays on the optimizers.
    assert not DivergenceHook()._handles
    (hook,) = (h for h in watched.hooks if isinstance(h, DivergenceHook))
    assert hook._handles == []


def test_norms_and_accuracies_reach_log_and_tensorboard(tmp_path):
    from tensorboard.backend.event_processing import event_accumulator

    runner = train(
        tmp_path,
        {
            KEY: HOOK,
            'train_cfg.max_iters': 2,
            'log_level': 'INFO',
            'visualizer': dict(
                type='SegLocalVisualizer',
                name='tensorboard_test',
                vis_backends=[dict(type='TensorboardVisBackend')],
            ),
        },
    )
    names = {
        'loss',
        'loss_adv',
        'loss_discriminator',
        'acc_source_discriminator',
        'acc_target_discriminator',
        'grad_norm_segmentor',
        'grad_norm_discriminator',
    }
    (log,) = tmp_path.glob('2*/*.log')
    lines = [x for x in log.read_text().splitlines() if 'Iter(train)' in x]
    assert len(lines) == 2
    assert all(f' {name}: ' in lines[-1] for name in names)
    runner.visualizer.close()
    (events,) = tmp_path.glob('2*/vis_data/events*')
    reader = event_accumulator.EventAccumulator(str(events))
    assert names <= set(reader.Reload().Tags()['scalars'])


class Hub:
    """What the hook reads of a runner, with numbers of our choice."""

    def __init__(self, loss, source, target, iteration):
        self.iter = iteration - 1
        self.message_hub = self.logger = self
        self.log_scalars = {}
        self.messages = []
        for name, value in (
            ('loss', loss),
            ('acc_source', source),
            ('acc_target', target),
        ):
            self.log_scalars[f'train/{name}_discriminator'] = Scalar(value)

    def get_scalar(self, key):
        return self.log_scalars[key]

    def warning(self, message):
        self.messages.append(message)


class Scalar:
    def __init__(self, value):
        self.value = value

    def current(self):
        return self.value

    def mean(self, window):
        assert window == 10
        return self.value


@pytest.mark.parametrize(
    ('loss', 'source', 'target', 'expected'),
    [
        (0.04, 0.99, 0.98, 'has won (its loss is 0.0400'),
        (0.06, 0.99, 0.98, None),
        (0.692, 0.52, 0.49, 'knows nothing (its loss is 0.6920'),
        (0.694, 0.0, 1.0, 'right on 0.0% of the source and 100.0% of'),
        (0.696, 0.7, 0.0, 'knows nothing'),
        # Unsure, but right: it learns.
        (0.692, 0.70, 0.65, None),
        (0.60, 0.50, 0.50, None),
    ],
)
def test_says_when_the_discriminator_is_out_of_balance(
    loss, source, target, expected
):
    hook = watching(window=10)
    runner = Hub(loss, source, target, 20)
    hook.after_train_iter(runner, 0)
    if expected is None:
        assert runner.messages == []
    else:
        (message,) = runner.messages
        assert expected in message
        assert 'default_hooks.adversarial.' in message
    # Between windows it keeps quiet.
    runner = Hub(loss, source, target, 19)
    hook.after_train_iter(runner, 0)
    assert runner.messages == []
    # Told to, it stops, in the same cases.
    hook = watching(window=10, term_action='stop')
    runner = Hub(loss, source, target, 20)
    if expected is None:
        hook.after_train_iter(runner, 0)
        return
    with pytest.raises(InputError) as error:
        hook.after_train_iter(runner, 0)
    said = str(error.value)
    assert expected in said and 'training stopped' in said
    assert 'default_hooks.divergence.term_action=warn' in said
    assert '\n' not in said and said.endswith('.')
    hook.after_train_iter(Hub(loss, source, target, 19), 0)


def test_ranks_agree_on_the_discriminator(monkeypatch):
    """A rank that stopped alone would leave the others waiting."""

    def other_has_002(means, op):
        assert op == 'mean'
        means.add_(torch.tensor([0.02, 0.99, 0.99])).div_(2)

    monkeypatch.setattr(
        f'{DivergenceHook.__module__}.all_reduce', other_has_002
    )
    hook = watching(window=10, term_action='stop')
    with pytest.raises(InputError, match='its loss is 0.0400 over'):
        hook.after_train_iter(Hub(0.06, 0.99, 0.99, 20), 0)
    hook.after_train_iter(Hub(0.1, 0.99, 0.99, 20), 0)


def test_a_stop_for_the_discriminator_comes_before_the_checkpoint(tmp_path):
    overrides = {
        KEY: dict(HOOK, window=2, term_action='stop'),
        'default_hooks.adversarial.optim_wrapper.optimizer.lr': 0.0,
        'default_hooks.checkpoint.interval': 1,
    }
    runner = make_runner(tmp_path, overrides)
    with pytest.raises(InputError, match='^The discriminator knows nothing'):
        runner.train()
    saved = {path.name for path in tmp_path.glob('iter_*.pth')}
    assert saved == {'iter_1.pth'}


def test_the_demo_is_watched():
    """Its 300 iterations hold whole windows."""
    cfg = Config.fromfile(CONFIGS / 'demo/bisenet_adv.py')
    hook = watching(window=HOOKS.build(cfg.default_hooks.divergence).window)
    assert hook.window <= cfg.train_cfg.max_iters / 3
    # As measured: a learning discriminator at the start and at the end.
    hook.window = 10
    for loss, source, target in ((0.562, 0.7, 0.7), (0.11, 0.97, 0.97)):
        runner = Hub(loss, source, target, 20)
        hook.after_train_iter(runner, 0)
        assert runner.messages == []


def test_a_frozen_discriminator_is_found_in_a_real_run(tmp_path):
    overrides = {
        KEY: dict(HOOK, window=6),
        'default_hooks.adversarial.optim_wrapper.optimizer.lr': 0.0,
    }
    runner = make_runner(tmp_path / 'frozen', overrides)
    messages = warnings_of(runner)
    runner.train()
    (message,) = (m for m in messages if 'discriminator' in m)
    assert 'knows nothing' in message
    # Unopposed and quick, it wins.
    overrides = {
        KEY: dict(HOOK, window=6),
        'default_hooks.adversarial.loss_weight': 0,
        'default_hooks.adversarial.optim_wrapper.optimizer.lr': 0.005,
        'train_cfg.max_iters': 24,
    }
    runner = make_runner(tmp_path / 'won', overrides)
    messages = warnings_of(runner)
    runner.train()
    assert any('has won' in m for m in messages)


@pytest.mark.parametrize(
    ('argument', 'sentence'),
    [
        (dict(action='ignore'), "action is 'ignore': set it to one"),
        (
            dict(term_action='ignore'),
            "term_action is 'ignore': set it to one",
        ),
        (dict(window=0), 'window is 0, but it must be at least 1'),
    ],
)
def test_refuses_bad_arguments(argument, sentence):
    with pytest.raises(InputError, match=sentence):
        DivergenceHook(**argument)


def test_a_fused_optimizer_unscales_inside_its_step():
    """torch's GradScaler leaves it both the scale and the overflow."""
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1, fused=True)
    scaler = torch.amp.GradScaler('cpu', init_scale=1024.0)
    hook, norms = DivergenceHook(), []
    optimizer.register_step_pre_hook(
        lambda *args: hook._keep_norm('segmentor', *args)
    )
    for factor in (3.0, math.inf, 4.0):
        hook._norms = {}
        optimizer.zero_grad()
        scaler.scale((weight * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        norms.append(float(hook._norms.get('segmentor', -1)))
    assert norms == pytest.approx([3 * 2**0.5, -1, 4 * 2**0.5])


def test_half_precision_overflow_is_no_divergence(tmp_path):
    """The scaler skips such a step; its gradient is no step's."""
    hook = DivergenceHook()
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], 0.1)
    optimizer.register_step_pre_hook(
        lambda *args: hook._keep_norm('segmentor', *args)
    )
    scaler = torch.amp.GradScaler('cpu', init_scale=4.0)
    scaler.scale(weight.sum() * math.inf).backward()
    scaler.step(optimizer)
    assert hook._norms == {}
    scaler.update()
    optimizer.zero_grad()
    scaler.scale(weight.sum() * 3).backward()
    scaler.step(optimizer)
    # Unscaled.
    assert hook._norms['segmentor'] == 3
