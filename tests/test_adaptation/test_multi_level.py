"""Adversaries of the main and an auxiliary head, against a literal loop."""

import copy
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from literal_loop import SEED, stream
from toy import (
    D_BETAS,
    D_LR,
    LR,
    MOMENTUM,
    NUM_CLASSES,
    WEIGHT_DECAY,
    clone,
    largest_difference,
    make_runner,
    toy_cfg,
    with_terms,
)

from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.errors import InputError
from mmseg_da.models import FCDiscriminator
from mmseg_da.registry import MODELS

ITERS = 2
HEADS = {'adversarial': None, 'level': 1}
WEIGHTS = {'adversarial': 0.5, 'level': 0.1}


def overrides(**options):
    level = dict(toy_cfg().default_hooks.adversarial)
    del level['target_dataloader']
    level |= dict(
        type='mmseg_da.AdversarialTerm',
        auxiliary_head=1,
        loss_weight=WEIGHTS['level'],
    )
    return {
        **with_terms(adversary=True, level=level | options),
        'train_cfg.max_iters': ITERS,
    }


def literal(runner, start, discriminators):
    """AdaptSegNet's multi-level loop (Tsai et al., CVPR 2018, eq. 5)."""
    segmentor = MODELS.build(runner.cfg.model).train()
    segmentor.load_state_dict(start)
    sgd = torch.optim.SGD(
        segmentor.parameters(), LR, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    adams = {
        name: torch.optim.Adam(d.parameters(), D_LR, D_BETAS)
        for name, d in discriminators.items()
    }
    hook = runner.cfg.default_hooks.adaptation
    streams = (
        stream(runner.cfg.train_dataloader.dataset, SEED),
        stream(hook.target_dataloader.dataset, SEED + 1),
    )

    def bce(name, probabilities, domain):
        out = discriminators[name](probabilities)
        return F.binary_cross_entropy_with_logits(
            out, torch.full_like(out, domain)
        )

    for _ in range(ITERS):
        source, target = (
            segmentor.data_preprocessor(next(s), True) for s in streams
        )
        seen = []
        total = 0
        for domain, batch in enumerate((source, target)):
            images, samples = batch['inputs'], batch['data_samples']
            features = segmentor.extract_feat(images)
            heads = [segmentor.decode_head, *segmentor.auxiliary_head]
            if domain == 1:
                heads = [heads[0], heads[2]]
            logits = [head(features) for head in heads]
            if domain == 0:
                for head, out in zip(heads, logits):
                    total = total + head.loss_by_feat(out, samples)['loss_ce']
                logits = [logits[0], logits[2]]
            seen.append(
                {
                    name: F.interpolate(
                        out, images.shape[2:], mode='bilinear'
                    ).softmax(dim=1)
                    for name, out in zip(HEADS, logits)
                }
            )
        for name, weight in WEIGHTS.items():
            total = total + weight * bce(name, seen[1][name], 1.0)
        total.backward()
        sgd.step()
        sgd.zero_grad()
        for name, adam in adams.items():
            adam.zero_grad()
            loss = bce(name, seen[0][name].detach(), 1.0)
            loss = loss + bce(name, seen[1][name].detach(), 0.0)
            (loss / 2).backward()
            adam.step()
    return segmentor.state_dict()


def test_two_levels_equal_the_literal_loop(tmp_path):
    runner = make_runner(tmp_path, overrides())
    terms = runner.adaptation.terms
    found = {}

    def remember(build, name):
        def build_and_remember(*args):
            build(*args)
            found[name] = clone(terms[name].discriminator.state_dict())

        return build_and_remember

    for name, term in terms.items():
        term.build = remember(term.build, name)
    runner.train()
    discriminators = {}
    for name in HEADS:
        discriminators[name] = FCDiscriminator(NUM_CLASSES, base_channels=8)
        discriminators[name].load_state_dict(found[name])
    start = copy.deepcopy(runner.start.model)
    expected = literal(runner, start, discriminators)
    ours = runner.model.state_dict()
    assert largest_difference(ours, start, 'conv') > 1e-3
    assert largest_difference(ours, expected) <= 1e-6
    for name, d in discriminators.items():
        theirs = terms[name].discriminator.state_dict()
        assert largest_difference(theirs, found[name]) > 1e-4
        assert largest_difference(theirs, d.state_dict()) <= 1e-6
    logged = runner.message_hub.log_scalars
    for name in 'loss_adv', 'loss_discriminator':
        assert f'train/{name}' in logged
        assert f'train/{name}_auxiliary1' in logged
    saved = torch.load(tmp_path / f'iter_{ITERS}.pth', weights_only=False)
    assert set(saved['adaptation']['terms']) == set(HEADS)


def test_refuses_a_head_that_is_not_there(tmp_path):
    with pytest.raises(
        InputError, match=r'level\.auxiliary_head is 2, but .* has 2 auxiliary'
    ):
        make_runner(tmp_path, overrides(auxiliary_head=2)).train()


def test_another_pass_shares_no_half_precision_weights(tmp_path, monkeypatch):
    """Of the auxiliary head, whatever passed it since the target did."""
    order, predict = [], Iteration.target_probabilities_of
    clear = torch.clear_autocast_cache

    def spy(self, auxiliary):
        self.target_logits  # noqa: B018
        if auxiliary not in (None, *self._auxiliary_probabilities):
            order.append('head')
        return predict(self, auxiliary)

    monkeypatch.setattr(Iteration, 'target_probabilities_of', spy)
    monkeypatch.setattr(
        torch, 'clear_autocast_cache', lambda: (order.append('clear'), clear())
    )
    make_runner(tmp_path, overrides()).train()
    after = [b for a, b in pairwise([*order, 'end']) if a == 'head']
    assert after == ['clear'] * ITERS
