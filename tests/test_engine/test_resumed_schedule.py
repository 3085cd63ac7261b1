"""A resumed run follows the schedule of its config, not the checkpoint's."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from toy import LR, make_runner

from mmseg_da.engine import checkpoint_hook
from mmseg_da.errors import InputError
from mmseg_da.registry import PARAM_SCHEDULERS
from mmseg_da.utils import resumed_schedule
from mmseg_da.utils.resumed_schedule import adopt_config_schedule
from mmseg_da.utils.safe_load import weights_only_loading

POLY = dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False)
WARM_UP = dict(
    type='LinearLR', start_factor=0.1, begin=0, end=2, by_epoch=False
)
BASE = {
    'default_hooks.checkpoint': dict(
        type='mmseg_da.CheckpointHook', interval=2, by_epoch=False
    ),
    'param_scheduler': [WARM_UP, dict(POLY, begin=1)],
    'train_cfg.max_iters': 4,
    'optim_wrapper.paramwise_cfg': dict(
        custom_keys=dict(decode_head=dict(lr_mult=10.0))
    ),
}


class Rates(Hook):
    def __init__(self):
        self.rates = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        groups = runner.optim_wrapper.optimizer.param_groups
        self.rates.append([(g['lr'], g['weight_decay']) for g in groups])


def rates(folder, overrides):
    runner = make_runner(folder, {**BASE, **overrides}, hook=False)
    record = Rates()
    runner.register_hook(record)
    with weights_only_loading():
        runner.train()
    return record.rates


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A run that has ended, at a learning rate of 0."""
    folder = tmp_path_factory.mktemp('finished')
    rates(folder, {})
    return str(folder / 'iter_4.pth')


CHANGES = {
    'end': {'train_cfg.max_iters': 7},
    'rate': {
        'train_cfg.max_iters': 7,
        'optim_wrapper.optimizer.lr': 0.5,
        'optim_wrapper.optimizer.weight_decay': 0.25,
    },
    'groups': {
        'train_cfg.max_iters': 6,
        'param_scheduler': [dict(POLY, end=9, eta_min=1e-4)],
    },
    'none': {'train_cfg.max_iters': 5, 'param_scheduler': None},
}


@pytest.mark.parametrize('name', CHANGES)
def test_the_rest_of_a_run_has_the_configs_rates(tmp_path, finished, name):
    """As a run of the new config that was never stopped has them."""
    straight = rates(tmp_path / 'straight', CHANGES[name])
    resume = {'load_from': finished, 'resume': True}
    resumed = rates(tmp_path / 'resumed', {**CHANGES[name], **resume})
    assert resumed == straight[4:]
    assert all(rate > 0 for groups in resumed for rate, _ in groups)


def test_equal_settings_keep_the_saved_state(monkeypatch):
    """To the bit, a rate that something else has set included."""
    said = []
    monkeypatch.setattr(
        resumed_schedule, 'print_log', lambda text, *_: said.append(text)
    )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.5)
    wrapper = OptimWrapper(optimizer)
    scheduler = PARAM_SCHEDULERS.build(dict(POLY, optimizer=wrapper, end=9))
    state = dict(
        optimizer=wrapper.state_dict(),
        param_schedulers=[dict(scheduler.state_dict(), last_step=5)],
    )
    state['optimizer']['param_groups'][0]['lr'] = 0.125
    adopt_config_schedule('discriminator', wrapper, [scheduler], state, 5)
    assert state['optimizer']['param_groups'][0]['lr'] == 0.125
    assert state['param_schedulers'][0]['last_step'] == 5
    assert not said
    state['param_schedulers'][0]['power'] = 2
    adopt_config_schedule('discriminator', wrapper, [scheduler], state, 3)
    rate = state['optimizer']['param_groups'][0]['lr']
    assert rate == pytest.approx(0.5 * (1 - 3 / 9) ** 0.9)
    assert 'in power: its learning rate is now 0.3471, and was 0.12' in said[0]


def test_a_setting_without_a_schedule_changes_no_rate():
    groups = [[torch.nn.Parameter(torch.ones(1))] for _ in range(2)]
    params = [dict(params=params, weight_decay=0.5) for params in groups]
    wrapper = OptimWrapper(torch.optim.SGD(params, 0.5))
    scheduler = PARAM_SCHEDULERS.build(dict(POLY, optimizer=wrapper, end=9))
    state = dict(
        optimizer=copy.deepcopy(wrapper.state_dict()),
        param_schedulers=[scheduler.state_dict()],
    )
    saved = state['optimizer']['param_groups']
    for group, old in zip(wrapper.param_groups, saved):
        old['lr'] = 0.125
        group['weight_decay'] = 0.25
    adopt_config_schedule('segmentor', wrapper, [scheduler], state, 5)
    assert [(g['lr'], g['weight_decay']) for g in saved] == [(0.125, 0.25)] * 2


def build(warm_up: int, gamma: float):
    """An optimizer with a schedule of iterations and one of epochs."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))], 0.5)
    wrapper = OptimWrapper(optimizer)
    cfgs = (
        dict(type='LinearLR', end=warm_up, by_epoch=False),
        dict(type='StepLR', step_size=2, gamma=gamma),
        dict(type='CosineAnnealingMomentum', T_max=7, by_epoch=False),
    )
    schedulers = [
        PARAM_SCHEDULERS.build(dict(cfg, optimizer=wrapper)) for cfg in cfgs
    ]
    state = dict(
        optimizer=wrapper.state_dict(),
        param_schedulers=[s.state_dict() for s in schedulers],
    )
    return wrapper, schedulers, state


def test_schedules_of_epochs_and_iterations_and_of_momentum():
    optimizer, schedulers, _ = build(9, 0.2)
    for _ in range(3):
        for _ in range(4):
            schedulers[0].step()
            schedulers[2].step()
        schedulers[1].step()
    _, _, state = build(5, 0.1)
    fresh, fresh_schedulers, _ = build(9, 0.2)
    adopt_config_schedule('segmentor', fresh, fresh_schedulers, state, 12, 3)
    (group,) = state['optimizer']['param_groups']
    (expected,) = optimizer.param_groups
    for key in ('lr', 'initial_lr', 'betas'):
        assert group[key] == pytest.approx(expected[key])
    steps = [scheduler['last_step'] for scheduler in state['param_schedulers']]
    assert steps == [scheduler.last_step for scheduler in schedulers]


def test_another_optimizer_is_refused(tmp_path, finished):
    adam = dict(type='Adam', lr=LR, _delete_=True)
    overrides = {'optim_wrapper.optimizer': adam, 'train_cfg.max_iters': 6}
    resume = {'load_from': finished, 'resume': True}
    with pytest.raises(InputError, match='segmentor has other parameter gro'):
        rates(tmp_path, {**overrides, **resume})


def test_each_of_several_optimizers_follows_its_own_schedule():
    """As a runner with an OptimWrapperDict holds and saves them."""
    names = ('generator', 'critic')
    first, schedulers, _ = build(5, 0.1)
    second, others, _ = build(9, 0.2)
    _, _, saved = build(9, 0.2)
    runner = SimpleNamespace(
        optim_wrapper=OptimWrapperDict(generator=first, critic=second),
        param_schedulers=dict(generator=schedulers, critic=others),
    )
    checkpoint = dict(
        meta=dict(iter=4, epoch=1),
        optimizer={n: copy.deepcopy(saved['optimizer']) for n in names},
        param_schedulers=dict.fromkeys(names, saved['param_schedulers']),
    )
    checkpoint_hook._adopt_config_schedules(runner, checkpoint)
    steps = {
        name: [s['last_step'] for s in checkpoint['param_schedulers'][name]]
        for name in names
    }
    # The critic's settings are those of the checkpoint, which stays.
    assert steps == dict(generator=[4, 1, 4], critic=[0, 0, 0])
