"""Training in bfloat16 and channels-last, and BatchNorm's last word."""

import pytest
import torch
from mmengine.hooks import Hook
from toy import largest_difference, make_runner, train

from mmseg_da.apis.adapt_bn import adapt_bn, build_target_loader
from mmseg_da.errors import InputError
from mmseg_da.utils.safe_load import load_file

FAST = {
    'optim_wrapper.type': 'mmseg_da.BFloat16OptimWrapper',
    'default_hooks.channels_last': dict(type='mmseg_da.ChannelsLastHook'),
    'default_hooks.checkpoint.interval': 2,
}


def test_fast_training_resumes_to_the_bit(tmp_path, monkeypatch):
    # PyTorch computes in bfloat16 without instructions for it too, slowly.
    monkeypatch.setattr(torch.cpu, '_is_avx512_bf16_supported', lambda: True)
    straight = make_runner(tmp_path / 'straight', FAST)
    features = []
    straight.model.decode_head.conv_seg.register_forward_hook(
        lambda module, args, output: features.append(output)
    )
    straight.train()
    assert {one.dtype for one in features} == {torch.bfloat16}
    kernels = [p for p in straight.model.parameters() if p.dim() == 4]
    assert all(
        p.is_contiguous(memory_format=torch.channels_last) for p in kernels
    )
    resume = dict(load_from=str(tmp_path / 'straight/iter_2.pth'), resume=True)
    resumed = train(tmp_path / 'resumed', FAST | resume).model.state_dict()
    ours = straight.model.state_dict()
    assert largest_difference(ours, resumed) == 0
    assert all(v.dtype != torch.bfloat16 for v in ours.values())


def test_without_bfloat16_training_is_in_float32(
    tmp_path, monkeypatch, capsys
):
    name = 'optim_wrapper.type'
    monkeypatch.setattr(torch.cpu, '_is_avx512_bf16_supported', lambda: False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    ours = train(tmp_path / 'ours', {name: FAST[name]}).model
    plain = train(tmp_path / 'plain').model
    assert largest_difference(ours.state_dict(), plain.state_dict()) == 0
    assert 'no instructions for bfloat16' in capsys.readouterr().err


def test_a_run_ends_with_the_targets_statistics(tmp_path):
    overrides = {
        'default_hooks.adapt_bn': dict(type='mmseg_da.AdaptBNHook'),
        'default_hooks.checkpoint.interval': 6,
    }
    ours = train(tmp_path / 'ours', overrides)
    plain = train(tmp_path / 'plain')
    adapt_bn(plain.model, build_target_loader(plain.cfg))
    saved = load_file(tmp_path / 'ours/iter_6.pth')
    expected = plain.model.state_dict()
    assert largest_difference(ours.model.state_dict(), expected) == 0
    assert largest_difference(saved['state_dict'], expected) == 0


def test_statistics_of_no_target_are_refused_before_training(tmp_path):
    hook = {'default_hooks.adapt_bn': dict(type='mmseg_da.AdaptBNHook')}
    with pytest.raises(InputError, match='names no target'):
        make_runner(tmp_path, hook, hook=False).train()


class Stop(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        runner.train_loop.stop_training = runner.iter == 1


def test_a_run_that_ends_early_says_that_nothing_was_done(tmp_path):
    hook = {'default_hooks.adapt_bn': dict(type='mmseg_da.AdaptBNHook')}
    runner, messages = make_runner(tmp_path, hook), []
    runner.register_hook(Stop())
    runner.logger.warning = lambda message, *_: messages.append(message)
    runner.train()
    (message,) = [m for m in messages if 'BatchNorm' in m]
    assert 'not re-estimated, because training stopped after 2 of 6' in message


def test_averaged_weights_without_the_targets_statistics_are_refused(tmp_path):
    hooks = {
        'default_hooks.adapt_bn': dict(type='mmseg_da.AdaptBNHook'),
        'default_hooks.ema': dict(type='EMAHook'),
    }
    with pytest.raises(InputError, match='EMAHook cannot be combined'):
        make_runner(tmp_path, hooks).train()
