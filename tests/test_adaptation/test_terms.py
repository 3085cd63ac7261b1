"""Terms beside each other, and the entropy term against a literal loop."""

import math

import pytest
import torch
from literal_loop import reference
from toy import CONFIGS, largest_difference, make_runner, train, with_terms

from mmseg_da.adaptation import AdaptationTerm
from mmseg_da.adaptation.domain_loss import GANS, DiscriminatorLoss
from mmseg_da.adaptation.terms.entropy import (
    normalised_entropy,
    self_information,
)
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS

ENTROPY = dict(type='mmseg_da.EntropyTerm', loss_weight=0.5)


@MODELS.register_module()
class ToyTerm(AdaptationTerm):
    """Asks for everything first, with gradients of its own size."""

    def losses(self, iteration):
        noise = torch.rand(3, generator=iteration.generator(self.key))
        size = iteration.target_logits.square().mean() * noise.mean()
        return dict(loss_toy=self.loss_weight * size)


TOY = dict(type='mmseg_da.ToyTerm')


@pytest.mark.parametrize('adversary', [False, True], ids=['alone', 'beside'])
@pytest.mark.parametrize('accumulate', [1, 2])
def test_entropy_equals_the_literal_loop(tmp_path, adversary, accumulate):
    overrides = {
        **with_terms(adversary, entropy=ENTROPY),
        'optim_wrapper.accumulative_counts': accumulate,
    }
    runner = train(tmp_path, overrides)
    segmentor, discriminator = reference(
        runner.cfg,
        runner.start,
        accumulate=accumulate,
        adversary=adversary,
        entropy_weight=0.5,
    )
    ours = runner.model.state_dict()
    assert largest_difference(ours, runner.start.model, 'conv') > 1e-3
    assert largest_difference(ours, segmentor) == 0
    if adversary:
        term = runner.adaptation.terms['adversarial']
        theirs = term.discriminator.state_dict()
        assert largest_difference(theirs, discriminator) == 0


@pytest.mark.parametrize(
    'options',
    [dict(gan='lsgan'), dict(input='self_information')],
    ids=['lsgan', 'self-information'],
)
def test_adversary_equals_the_literal_loop(tmp_path, options):
    """Its options; as it is by default, other tests hold it to the loop."""
    overrides = {
        f'default_hooks.adversarial.{name}': value
        for name, value in options.items()
    }
    runner = train(tmp_path, overrides)
    segmentor, discriminator = reference(
        runner.cfg,
        runner.start,
        lsgan='gan' in options,
        self_information='input' in options,
    )
    assert largest_difference(runner.model.state_dict(), segmentor) == 0
    theirs = runner.adversarial.discriminator.state_dict()
    assert largest_difference(theirs, discriminator) == 0


def test_least_squares_by_hand():
    """Outputs 0.7 and 0.1 of the source, 0.4 and 0.6 of the target."""
    results = DiscriminatorLoss(torch.nn.Identity(), 'lsgan')(
        torch.tensor([0.7, 0.1]), torch.tensor([0.4, 0.6])
    )
    expected = ((0.3**2 + 0.9**2) / 2 + (0.4**2 + 0.6**2) / 2) / 2
    assert results['loss'].item() == pytest.approx(expected)
    assert results['acc_source'] == results['acc_target'] == 0.5
    # A coin, which always answers one half.
    coin = DiscriminatorLoss(torch.nn.Identity(), 'lsgan')
    half = torch.full((4,), 0.5)
    assert coin(half, half)['loss'] == GANS['lsgan'].chance


def test_self_information_sums_to_the_normalised_entropy():
    logits = 5 * torch.randn(2, 4, 3, 3)
    logits[0, 0, 0, 0] = 500.0
    logits.requires_grad_()
    found = self_information(logits.softmax(dim=1))
    assert found[0, :, 0, 0].tolist() == [0, 0, 0, 0]
    entropy = normalised_entropy(logits)
    assert torch.allclose(found.sum(dim=1), entropy, atol=1e-6)
    found.sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    ('option', 'value'), [('gan', 'wgan'), ('input', 'logits')]
)
def test_refuses_an_unknown_option(tmp_path, option, value):
    overrides = {f'default_hooks.adversarial.{option}': value}
    with pytest.raises(
        InputError, match=f"adversarial.{option} is '{value}': set it to one"
    ):
        make_runner(tmp_path, overrides)


def test_normalised_entropy():
    """0 for a sure pixel, 1 for one that knows nothing, half for two of 4."""
    logits = torch.zeros(1, 4, 1, 3)
    logits[0, 0, 0, 0] = 200.0
    logits[0, :2, 0, 1] = 200.0
    logits.requires_grad_()
    entropy = normalised_entropy(logits)
    assert entropy[0, 0].tolist() == pytest.approx([0, 0.5, 1], abs=1e-6)
    entropy.sum().backward()
    assert logits.grad.isfinite().all()


def test_a_term_of_weight_zero_changes_no_bit(tmp_path):
    """Neither the segmentor nor the adversary sees the toy term first."""
    toy = dict(TOY, loss_weight=0)
    with_toy = with_terms(toy=toy, adversary=True)
    terms = with_toy['default_hooks.adaptation']['terms']
    assert list(terms) == ['toy', 'adversarial']
    beside = train(tmp_path / 'beside', with_toy)
    alone = train(tmp_path / 'alone', with_terms(adversary=True))
    old = train(tmp_path / 'old')
    assert 'train/loss_toy' in beside.message_hub.log_scalars
    for other in (alone, old):
        ours, theirs = beside.model.state_dict(), other.model.state_dict()
        assert largest_difference(ours, theirs) == 0
        d, other_d = (
            runner.adaptation.terms['adversarial'].discriminator.state_dict()
            for runner in (beside, other)
        )
        assert largest_difference(d, other_d) == 0


def test_random_numbers_of_a_term_survive_a_resume(tmp_path):
    """A generator of one seed for each iteration and term."""
    overrides = {
        **with_terms(toy=TOY, adversary=True),
        'default_hooks.checkpoint.interval': 3,
    }
    straight = train(tmp_path / 'straight', overrides)
    resumed = train(
        tmp_path / 'resumed',
        {
            **overrides,
            'load_from': str(tmp_path / 'straight/iter_3.pth'),
            'resume': True,
        },
    )
    ours, theirs = straight.model.state_dict(), resumed.model.state_dict()
    assert largest_difference(ours, theirs) == 0


def test_old_checkpoints_resume_with_terms(tmp_path):
    """AdversarialHook's state continues as a term of AdaptationHook."""
    interval = {'default_hooks.checkpoint.interval': 3}
    old = train(tmp_path / 'old', interval)
    resumed = train(
        tmp_path / 'new',
        {
            **with_terms(adversary=True),
            'load_from': str(tmp_path / 'old/iter_3.pth'),
            'resume': True,
        },
    )
    ours, theirs = old.model.state_dict(), resumed.model.state_dict()
    assert largest_difference(ours, theirs) == 0


@pytest.mark.parametrize('value', [-1.0, math.nan, math.inf])
def test_refuses_a_loss_weight(tmp_path, value):
    overrides = with_terms(entropy=dict(ENTROPY, loss_weight=value))
    with pytest.raises(
        InputError, match=r'adaptation\.terms\.entropy\.loss_weight is '
    ):
        make_runner(tmp_path, overrides)


def test_refuses_two_losses_of_one_name(tmp_path):
    runner = make_runner(tmp_path, with_terms(one=TOY, other=TOY))
    with pytest.raises(InputError, match="terms.other gives a loss named 'lo"):
        runner.train()


def test_none_removes_an_inherited_term(tmp_path):
    runner = make_runner(tmp_path, with_terms(one=TOY, other=None))
    assert list(runner.adaptation.terms) == ['one']


def test_refuses_another_width_of_a_resumed_discriminator(tmp_path):
    interval = {'default_hooks.checkpoint.interval': 3}
    train(tmp_path / 'old', {**interval, 'train_cfg.max_iters': 3})
    width = 'default_hooks.adversarial.discriminator.base_channels'
    overrides = {
        width: 4,
        'load_from': str(tmp_path / 'old/iter_3.pth'),
        'resume': True,
    }
    with pytest.raises(
        InputError, match='does not fit default_hooks.adversarial.discrim'
    ):
        train(tmp_path / 'new', overrides)


def test_refuses_a_target_smaller_than_the_field(tmp_path):
    target = 'default_hooks.adversarial.target_dataloader.dataset.size'
    with pytest.raises(InputError, match='32 x 16 pixels .* at least 32'):
        train(tmp_path, {target: (32, 16)})


def test_the_documented_term(tmp_path):
    """The page's code, as printed, trains as it says."""
    page = (CONFIGS.parent / 'docs/write_a_term.md').read_text()
    code = page.split('```python\n')[1].split('```')[0]
    assert len(code.splitlines()) <= 40
    exec(code, {})
    flip = dict(type='mmseg_da.FlipConsistencyTerm', loss_weight=10.0)
    runner = train(tmp_path / 'flip', with_terms(flip=flip))
    losses = runner.message_hub.log_scalars['train/loss_flip'].data[0]
    assert len(losses) == runner.iter and (losses > 0).all()
    assert losses[-1] < losses[0]


def test_two_adaptation_hooks_are_refused(tmp_path):
    overrides = with_terms(entropy=ENTROPY)
    del overrides['default_hooks.adversarial']
    with pytest.raises(InputError, match='not the only adaptation hook'):
        make_runner(tmp_path, overrides).train()


def test_a_head_of_one_channel_is_refused(tmp_path):
    runner = make_runner(tmp_path, with_terms(entropy=ENTROPY))
    runner.model.out_channels = 1
    with pytest.raises(InputError, match='two classes in one channel'):
        runner.train()
