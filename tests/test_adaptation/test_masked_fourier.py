"""Masked consistency, Fourier style and frozen teachers."""

import pytest
import torch
from mmengine.registry import init_default_scope
from toy import (
    NUM_CLASSES,
    ToyDataset,
    bisenet_cfg,
    largest_difference,
    make_runner,
    train,
    with_terms,
)

from mmseg_da.adaptation import teachers
from mmseg_da.adaptation.terms.fourier_style import swap_low_frequencies
from mmseg_da.adaptation.terms.masked_consistency import draw_block_mask
from mmseg_da.errors import InputError

MASKED = dict(type='mmseg_da.MaskedConsistencyTerm', threshold=0.2)
FOURIER = dict(type='mmseg_da.FourierStyleTerm', beta=0.1)
EMA = dict(type='mmseg_da.EMATeacher', momentum=0.5)


def test_masks_hide_whole_blocks():
    generator = torch.Generator().manual_seed(0)
    mask = draw_block_mask((6, 30, 50), 8, 0.7, generator)
    assert mask.shape == (6, 1, 30, 50)
    assert set(mask.unique().tolist()) == {0, 1}
    for y in range(0, 30, 8):
        for x in range(0, 50, 8):
            block = mask[:, 0, y : y + 8, x : x + 8].flatten(1)
            assert torch.equal(block.amin(1), block.amax(1))
    assert 0.15 < mask.mean() < 0.45
    assert draw_block_mask((1, 8, 8), 8, 1.0, generator).sum() == 0
    assert draw_block_mask((1, 8, 8), 8, 0.0, generator).sum() == 64


def test_masked_consistency_learns_the_teacher(tmp_path):
    """Its loss, alone with the target, falls."""
    runner = make_runner(
        tmp_path,
        {
            **with_terms(
                teacher=EMA, masked=dict(MASKED, threshold=0.0, ratio=0.2)
            ),
            'train_cfg.max_iters': 30,
        },
    )
    runner.train()
    losses = runner.message_hub.log_scalars['train/loss_masked'].data[0]
    assert len(losses) == 30
    assert losses[-10:].mean() < losses[:10].mean()


def test_fourier_keeps_the_phase_and_takes_the_mean():
    source, target = torch.rand(2, 3, 16, 20), torch.rand(2, 3, 16, 20) + 1
    styled = swap_low_frequencies(source, target, 0.1)
    # The lowest frequency is the mean.
    assert torch.allclose(
        styled.mean(dim=(2, 3)), target.mean(dim=(2, 3)), atol=1e-5
    )
    own, other = (torch.fft.rfft2(x) for x in (source, styled))
    assert torch.allclose(own[..., 5, 5], other[..., 5, 5], atol=1e-4)
    assert torch.allclose(
        swap_low_frequencies(source, source, 0.3), source, atol=1e-5
    )
    # By hand: the amplitudes of a full spectrum, both halves of it.
    full, of_target = torch.fft.fft2(source), torch.fft.fft2(target)
    amplitude = full.abs()
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            amplitude[..., y, x] = of_target.abs()[..., y, x]
    expected = torch.fft.ifft2(torch.polar(amplitude, full.angle())).real
    assert torch.allclose(styled, expected, atol=1e-5)


def test_fourier_changes_the_source_before_its_pass(tmp_path):
    seen = []

    def run(name, **fourier):
        overrides = with_terms(fourier=dict(FOURIER, **fourier))
        overrides['train_cfg.max_iters'] = 1
        runner = make_runner(tmp_path / name, overrides)
        runner.model.backbone.register_forward_pre_hook(
            lambda _, args: seen.append(args[0].clone())
        )
        runner.train()
        return runner

    styled, plain = run('styled'), run('plain', loss_weight=0)
    assert (seen[0] - seen[1]).abs().max() > 0.1
    without = train(
        tmp_path / 'without', {'train_cfg.max_iters': 1}, hook=False
    )
    ours, theirs = plain.model.state_dict(), without.model.state_dict()
    assert largest_difference(ours, theirs) == 0
    assert largest_difference(styled.model.state_dict(), theirs) > 1e-4


@pytest.mark.parametrize(
    ('teacher', 'sentence'),
    [
        (dict(num_classes=3), 'predicts 3 classes, but the segmentor 5'),
        (dict(std=1.0), 'normalises images with a std of'),
        (dict(rgb=False), 'with a _?channel_conversion of .False'),
        (dict(classes='edcba'), 'predicts the classes e, d, c, b, a, but the'),
    ],
)
def test_refuses_another_teacher(tmp_path, monkeypatch, teacher, sentence):
    built = bisenet_cfg(4, teacher.get('num_classes', NUM_CLASSES))
    if 'std' in teacher:
        built.data_preprocessor.std = [teacher['std'], 57.12, 57.375]
    built.data_preprocessor.bgr_to_rgb = teacher.get('rgb', True)

    def init_model(*_):
        network = teachers.MODELS.build(built).eval()
        network.dataset_meta = dict(
            classes=teacher.get('classes', ToyDataset.metainfo['classes'])
        )
        return network

    monkeypatch.setattr(teachers, 'init_model', init_model)
    frozen = dict(type='mmseg_da.FrozenTeacher', config='c', checkpoint='k')
    runner = make_runner(tmp_path, with_terms(teacher=frozen, masked=MASKED))
    with pytest.raises(InputError, match=sentence):
        runner.train()


def test_a_frozen_teacher_stays_and_resumes(tmp_path, monkeypatch):
    """Another architecture's labels; nothing of it is in the checkpoint."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    network = teachers.MODELS.build(bisenet_cfg(4, NUM_CLASSES)).eval()
    network.dataset_meta = ToyDataset.metainfo
    monkeypatch.setattr(teachers, 'init_model', lambda *_: network)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    frozen = dict(type='mmseg_da.FrozenTeacher', config='c', checkpoint='k')
    overrides = {
        **with_terms(teacher=frozen, masked=MASKED),
        'default_hooks.checkpoint.interval': 3,
    }
    straight = train(tmp_path / 'straight', overrides)
    resume = dict(load_from=str(tmp_path / 'straight/iter_3.pth'), resume=True)
    resumed = train(tmp_path / 'resumed', {**overrides, **resume})
    ours, theirs = straight.model.state_dict(), resumed.model.state_dict()
    assert largest_difference(ours, theirs) == 0
    assert largest_difference(before, network.state_dict()) == 0


@pytest.mark.parametrize(
    ('term', 'sentence'),
    [
        (dict(MASKED, ratio=1.5), 'term.ratio is 1.5, but it must be 0 to 1'),
        (
            dict(MASKED, threshold=-1),
            'term.threshold is -1, but it must be a probability',
        ),
        (
            dict(MASKED, block_size=0),
            'term.block_size is 0, but it must be at',
        ),
        (
            dict(FOURIER, beta=0.5),
            'term.beta is 0.5, but it must be more than 0',
        ),
    ],
)
def test_refuses_bad_arguments(tmp_path, term, sentence):
    with pytest.raises(InputError, match=sentence):
        make_runner(tmp_path, with_terms(teacher=EMA, term=term))


def test_losses_without_weights_of_pixels_are_refused(tmp_path):
    overrides = with_terms(
        teacher=EMA, masked=dict(MASKED, pseudo_labels='image')
    )
    overrides['model.decode_head.loss_decode'] = dict(
        type='LovaszLoss', reduction='none', _delete_=True
    )
    with pytest.raises(InputError, match='LovaszLoss takes no weights'):
        make_runner(tmp_path, overrides).train()
