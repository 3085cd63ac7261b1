"""Channels-last weights and bfloat16 autocast, switched on by config."""

import pytest
import torch
from toy import largest_difference, make_runner, train

from mmseg_da.utils.safe_load import weights_only_loading

LAST = {'custom_hooks': [dict(type='mmseg_da.ChannelsLastHook')]}
BFLOAT16 = {'optim_wrapper.type': 'mmseg_da.BFloat16OptimWrapper'}


def is_channels_last(weight):
    return weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ('options', 'tolerance'),
    [(LAST, 1e-3), (BFLOAT16, 0.1), (LAST | BFLOAT16, 0.1)],
    ids=['channels-last', 'bfloat16', 'both'],
)
def test_trains_and_resumes_to_the_bit(tmp_path, options, tolerance):
    plain = train(tmp_path / 'plain', {'train_cfg.max_iters': 1})
    first = train(tmp_path / 'first', {**options, 'train_cfg.max_iters': 1})
    ours, theirs = first.model.state_dict(), plain.model.state_dict()
    assert largest_difference(first.start.model, plain.start.model) == 0
    assert largest_difference(ours, first.start.model, 'conv') > 1e-4
    # Rounding alone, and in fp32 less of it.
    assert 0 < largest_difference(ours, theirs, 'conv') < tolerance
    assert {k: v.dtype for k, v in ours.items()} == {
        k: v.dtype for k, v in theirs.items()
    }
    weights = [p for p in first.model.parameters() if p.shape[2:] == (3, 3)]
    expected = 'custom_hooks' in options
    assert all(is_channels_last(w) == expected for w in weights)

    straight = train(tmp_path / 'straight', options)
    train(tmp_path / 'half', {**options, 'train_cfg.max_iters': 3})
    resume = {'load_from': f'{tmp_path}/half/iter_3.pth', 'resume': True}
    resumed = make_runner(tmp_path / 'half', {**options, **resume})
    with weights_only_loading():
        resumed.train()
    for name in 'model', 'adversarial.discriminator':
        ours, theirs = (
            runner.model.state_dict()
            if name == 'model'
            else runner.adversarial.discriminator.state_dict()
            for runner in (resumed, straight)
        )
        assert largest_difference(ours, theirs) == 0
