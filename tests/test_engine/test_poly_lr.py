"""The paper's decay to the letter, as a Runner builds and steps it."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

CONFIGS = Path(__file__).parents[2] / 'configs'
LR0, T = 2.5e-2, 10


class Line(BaseModel):
    """Two parameters, one with a learning rate of its own."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Linear(1, 1)

    def forward(self, inputs, mode='tensor'):
        return dict(loss=self.weight(torch.stack(inputs)).square().mean())


class KeepRates(Hook):
    def __init__(self):
        self.rates = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        groups = runner.optim_wrapper.optimizer.param_groups
        self.rates.append([group['lr'] for group in groups])


def run(tmp_path, resume=False, **kwargs):
    keep = KeepRates()
    runner = Runner(
        model=Line(),
        work_dir=str(tmp_path),
        train_dataloader=dict(
            batch_size=2,
            sampler=dict(type=InfiniteSampler, seed=0),
            dataset=[dict(inputs=torch.ones(1))] * 4,
        ),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=LR0),
            paramwise_cfg=dict(bias_lr_mult=2.0),
        ),
        custom_hooks=[keep],
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=4, by_epoch=False)
        ),
        resume=resume,
        default_scope='mmseg',
        experiment_name=f'{tmp_path.name}_{resume}',
        **kwargs,
    )
    runner.train()
    final = [g['lr'] for g in runner.optim_wrapper.optimizer.param_groups]
    return keep.rates, final


def poly(i, power=0.9):
    return LR0 * (1 - i / T) ** power


@pytest.mark.parametrize(
    ('scheduler', 'power'),
    [
        (dict(type='mmseg_da.PolyLR', by_epoch=False), 0.9),
        (dict(type='mmseg_da.PolyLR', by_epoch=False, power=2), 2),
    ],
)
def test_every_iteration_has_the_papers_rate(tmp_path, scheduler, power):
    rates, final = run(
        tmp_path,
        param_scheduler=[scheduler],
        train_cfg=dict(by_epoch=False, max_iters=T),
    )
    assert len(rates) == T
    for i, groups in enumerate(rates):
        # All parameter groups, each from its own start.
        assert groups == pytest.approx(
            [poly(i, power), 2 * poly(i, power)], rel=1e-9
        )
    assert rates[-1][0] > 0
    assert final == pytest.approx([0, 0], abs=1e-12)


def test_explicit_end_and_begin(tmp_path):
    """From `begin` on, over `end - begin` iterations."""
    rates, _ = run(
        tmp_path,
        param_scheduler=[
            dict(type='mmseg_da.PolyLR', by_epoch=False, begin=2, end=6)
        ],
        train_cfg=dict(by_epoch=False, max_iters=T),
    )
    expected = [LR0 * (1 - i / 4) ** 0.9 for i in range(5)]
    rates = [groups[0] for groups in rates]
    assert rates[:2] == pytest.approx([LR0] * 2)
    assert rates[2:7] == pytest.approx(expected, abs=1e-12)


def test_resumes_where_it_was(tmp_path):
    cfg = dict(
        param_scheduler=[dict(type='mmseg_da.PolyLR', by_epoch=False)],
        train_cfg=dict(by_epoch=False, max_iters=T),
    )
    straight, _ = run(tmp_path, **cfg)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_4.pth'))
    resumed, _ = run(tmp_path, resume=True, **cfg)
    assert resumed == [pytest.approx(groups) for groups in straight[4:]]


def test_the_schedule_steps_by_iterations():
    """Else the runner takes the number of epochs, 1, for the end."""
    path = CONFIGS / '_base_/schedules/bisenet_sgd.py'
    (scheduler,) = Config.fromfile(path).param_scheduler
    assert scheduler == dict(type='mmseg_da.PolyLR', power=0.9, by_epoch=False)
