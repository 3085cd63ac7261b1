"""Accumulation, clipping, EMA and AMP against loops in plain torch."""

import copy

import pytest
import torch
from mmengine.device import get_device
from mmengine.hooks import Hook
from toy import (
    LR,
    MOMENTUM,
    WEIGHT_DECAY,
    amp_on_cpu,
    clone,
    largest_difference,
    make_runner,
)

from mmseg_da.utils.safe_load import weights_only_loading

MOMENTUM_OF_EMA = 0.3
EMA = dict(type='EMAHook', momentum=MOMENTUM_OF_EMA)


class Record(Hook):
    """The batches of a run and the weights after each."""

    priority = 'LOWEST'

    def __init__(self):
        self.batches, self.weights = [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.batches.append(copy.deepcopy(data_batch))

    def after_train_iter(self, runner, batch_idx, data_batch, outputs):
        self.weights.append(clone(runner.model.state_dict()))


def train_recorded(work_dir, overrides, hook):
    runner = make_runner(work_dir, overrides, hook)
    record = Record()
    runner.register_hook(record)
    model = copy.deepcopy(runner.model)
    runner.train()
    model.load_state_dict(runner.start.model)
    return runner, record, model.train()


def losses_of(model, batch):
    data = model.data_preprocessor(batch, True)
    losses = model(**data, mode='loss')
    return sum(value for name, value in losses.items() if 'loss' in name)


def replay(model, batches, clip=None, accumulate=1, dtype=None):
    """Supervised training as a tutorial would write it."""
    device = next(model.parameters()).device.type
    sgd = torch.optim.SGD(
        model.parameters(), LR, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    scaler = torch.amp.GradScaler(device, enabled=dtype == 'float16')
    for i, batch in enumerate(batches, 1):
        with torch.autocast(
            device, getattr(torch, dtype or 'bfloat16'), enabled=bool(dtype)
        ):
            loss = losses_of(model, batch)
        scaler.scale(loss / accumulate).backward()
        if i % accumulate == 0:
            if clip is not None:
                scaler.unscale_(sgd)
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            scaler.step(sgd)
            scaler.update()
            sgd.zero_grad()
    return model.state_dict()


@pytest.mark.parametrize(
    ('overrides', 'settings'),
    [
        ({}, {}),
        ({'clip_grad': dict(max_norm=0.5)}, dict(clip=0.5)),
        ({'accumulative_counts': 3}, dict(accumulate=3)),
        (
            {'clip_grad': dict(max_norm=0.5), 'accumulative_counts': 2},
            dict(clip=0.5, accumulate=2),
        ),
    ],
    ids=['plain', 'clip', 'accumulate', 'both'],
)
def test_alone_each_equals_its_loop(tmp_path, overrides, settings):
    overrides = {f'optim_wrapper.{k}': v for k, v in overrides.items()}
    runner, record, model = train_recorded(tmp_path, overrides, hook=False)
    expected = replay(model, record.batches, **settings)
    assert largest_difference(runner.model.state_dict(), expected) == 0
    start = runner.start.model
    assert largest_difference(expected, start, 'conv') > 1e-4


@pytest.mark.parametrize('hook', [False, True], ids=['alone', 'adapted'])
def test_ema_averages_what_training_makes(tmp_path, hook):
    """And training is the same with it as without."""
    overrides = {'custom_hooks': [EMA]}
    runner, record, _ = train_recorded(tmp_path / 'ema', overrides, hook)
    plain, _, _ = train_recorded(tmp_path / 'plain', {}, hook)
    ours, theirs = runner.model.state_dict(), plain.model.state_dict()
    assert largest_difference(ours, theirs) == 0
    (ema,) = (h for h in runner.hooks if type(h).__name__ == 'EMAHook')
    names = [name for name, _ in runner.model.named_parameters()]
    average = {name: record.weights[0][name] for name in names}
    for weights in record.weights[1:]:
        for name in names:
            old = average[name]
            step = MOMENTUM_OF_EMA * (weights[name] - old)
            average[name] = old + step
    averaged = dict(ema.ema_model.module.named_parameters())
    assert largest_difference(averaged, average) <= 1e-6
    last = {name: record.weights[-1][name] for name in names}
    assert largest_difference(averaged, last) > 1e-4


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_amp_equals_its_loop_and_keeps_its_scalers(
    tmp_path, monkeypatch, dtype
):
    if not torch.cuda.is_available():
        amp_on_cpu(monkeypatch)
    overrides = {
        'optim_wrapper.type': 'AmpOptimWrapper',
        'optim_wrapper.dtype': dtype,
        'optim_wrapper.loss_scale': 'dynamic',
    }
    runner, record, model = train_recorded(tmp_path / 'a', overrides, False)
    expected = replay(model.to(get_device()), record.batches, dtype=dtype)
    assert largest_difference(runner.model.state_dict(), expected) <= 1e-3
    # With the hook the discriminator has a scaler of its own.
    runner, _, _ = train_recorded(tmp_path / 'b', overrides, True)
    wrapper = runner.adversarial.optim_wrapper
    assert wrapper.loss_scaler is not runner.optim_wrapper.loss_scaler
    with weights_only_loading():
        saved = torch.load(tmp_path / 'b/iter_6.pth', weights_only=True)
    assert 'loss_scaler' in saved['optimizer']
    assert 'loss_scaler' in saved['adversarial']['optimizer']
    for name in 'loss', 'loss_adv', 'loss_discriminator':
        values = runner.message_hub.get_scalar(f'train/{name}').data[0]
        assert (values == values).all()
