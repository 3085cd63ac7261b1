"""Class mixing and self-training, against a literal loop of DACS."""

import copy
import math
from functools import partial
from zlib import crc32

import pytest
import torch
import torch.nn.functional as F
from literal_loop import ITERS, SEED, stream
from mmengine.registry import init_default_scope
from torch import nn
from toy import (
    LR,
    MOMENTUM,
    SOURCE_SIZE,
    WEIGHT_DECAY,
    amp_on_cpu,
    largest_difference,
    make_runner,
    train,
    with_terms,
)

from benchmarks.textbook import one_sum
from mmseg_da.adaptation import EMATeacher
from mmseg_da.adaptation.augment import (
    color_jitter,
    gaussian_blur,
    strong_augment,
)
from mmseg_da.adaptation.pseudo_labels import (
    ClassThresholds,
    balanced_thresholds,
)
from mmseg_da.adaptation.terms.class_mix import choose_classes
from mmseg_da.datasets.samplers import mix_seed
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS

MIX = dict(type='mmseg_da.ClassMixTerm', threshold=0.25)
TEACHER = dict(type='mmseg_da.EMATeacher', momentum=0.6, batch_norm='batch')
SIZE = 'default_hooks.adaptation.target_dataloader.dataset.size'
MIX_KEY = 'default_hooks.adaptation.terms.mix'


def mixing(teacher=TEACHER, **mix):
    terms = with_terms(teacher=teacher, mix=dict(MIX, **mix))
    return {**terms, SIZE: SOURCE_SIZE}


def cut(labels, generator):
    """Half of the classes of each image, rounded up."""
    masks = []
    for label in labels:
        classes = sorted(set(label.flatten().tolist()) - {255})
        order = torch.randperm(len(classes), generator=generator).tolist()
        mask = torch.zeros(label.shape, dtype=torch.bool)
        for index in order[: -(-len(classes) // 2)]:
            mask |= label == classes[index]
        masks.append(mask)
    return torch.stack(masks)


def literal_dacs(cfg, start, accumulate=1, dtype=None, iters=ITERS):
    """Tranheden et al., WACV 2021: EMA, mixing, two backward passes."""
    autocast = partial(
        torch.autocast, 'cpu', enabled=dtype is not None, dtype=dtype
    )
    scaler = torch.amp.GradScaler('cpu', enabled=dtype is not None)
    init_default_scope('mmseg')
    student = MODELS.build(cfg.model).train()
    student.load_state_dict(start.model)
    teacher = copy.deepcopy(student)
    sgd = torch.optim.SGD(
        student.parameters(), LR, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    hook = cfg.default_hooks.adaptation
    mix = hook.terms.mix
    sources = stream(cfg.train_dataloader.dataset, SEED)
    targets = stream(hook.target_dataloader.dataset, SEED + 1)

    def supervise(images, labels, weights=None):
        features = student.extract_feat(images)
        loss = 0
        for head in (student.decode_head, *student.auxiliary_head):
            logits = head(features)
            logits = F.interpolate(logits, images.shape[2:], mode='bilinear')
            loss = loss + head.loss_decode(logits, labels, weight=weights)
        return loss

    steps, running = 0, {}
    for i in range(iters):
        # The teacher follows at the start of an iteration.
        if i % accumulate == 0:
            steps += 1
            share = max(1 - hook.teacher.momentum, 1 / steps)
            pairs = zip(teacher.parameters(), student.parameters())
            for old, new in pairs:
                old.data.lerp_(new.data, share if steps > 1 else 1.0)
        for old, new in zip(teacher.buffers(), student.buffers()):
            old.copy_(new)
        source = student.data_preprocessor(next(sources), True)
        target = student.data_preprocessor(next(targets), True)
        images, others = source['inputs'], target['inputs']
        samples = source['data_samples']
        labels = torch.cat([sample.gt_sem_seg.data for sample in samples])
        seed = mix_seed(SEED, i, 0, crc32(MIX_KEY.encode()))
        generator = torch.Generator().manual_seed(seed)

        with one_sum(student):
            with autocast():
                loss = supervise(images, labels) / accumulate
            scaler.scale(loss).backward()

            # All but what a 1x1 map is normalised by, as in training.
            teacher.train()
            for module in teacher.modules():
                if type(module).__name__ == 'AttentionRefinementModule':
                    module.eval()
            with torch.no_grad(), autocast():
                logits = teacher.decode_head(teacher.extract_feat(others))
                size = others.shape[2:]
                logits = F.interpolate(logits, size, mode='bilinear')
                confidence, pseudo = logits.float().softmax(dim=1).max(dim=1)
            mask = cut(labels, generator)
            top, bottom = mix.get('ignore_margins', (0, 0))
            height = confidence.shape[1]
            rows = range(round(top * height), height - round(bottom * height))
            needed = torch.full_like(confidence, mix.threshold)
            if mix.pseudo_labels == 'balanced':
                # Zou et al., ECCV 2018: half of each class counts.
                for label in range(5):
                    inner = confidence[:, list(rows)]
                    inner = inner[pseudo[:, list(rows)] == label]
                    if not len(inner):
                        continue
                    order = sorted(inner.tolist(), reverse=True)
                    found = order[-(-len(order) // 2) - 1]
                    old = running.get(label, found)
                    running[label] = 0.9 * old + 0.1 * found
                    needed[pseudo == label] = running[label]
            confident = confidence >= needed
            for row in set(range(height)) - set(rows):
                pseudo[:, row] = 255
            weights = None
            if mix.pseudo_labels == 'image':
                weights = torch.ones(mask.shape)
                for n, share in enumerate(confident.float().mean(dim=(1, 2))):
                    weights[n][~mask[n]] = share
            elif mix.pseudo_labels in ('pixel', 'balanced'):
                pseudo[~confident] = 255
            elif mix.get('onto') != 'source':
                pseudo[:] = 255
            else:
                pseudo, others = labels[[1, 0]], images[[1, 0]]
            mixed = torch.where(mask[:, None], images, others)
            mixed = strong_augment(
                mixed, student.data_preprocessor, 0.25, True, generator
            )
            pseudo[mask] = labels[mask]
            with autocast():
                loss = supervise(mixed, pseudo, weights) / accumulate
            scaler.scale(loss).backward()
        if (i + 1) % accumulate == 0:
            scaler.step(sgd)
            scaler.update()
            sgd.zero_grad()
    return student.state_dict(), teacher.state_dict()


@pytest.mark.parametrize(
    ('mix', 'accumulate'),
    [
        (dict(pseudo_labels='image'), 1),
        (dict(pseudo_labels='image'), 2),
        (dict(pseudo_labels='pixel'), 1),
        (dict(pseudo_labels='balanced'), 1),
        (dict(pseudo_labels='balanced', ignore_margins=(0.1, 0.3)), 1),
        (dict(pseudo_labels='image', ignore_margins=(0.2, 0.0)), 1),
        (dict(pseudo_labels='none'), 1),
        (dict(pseudo_labels='none', onto='source'), 1),
    ],
    ids=[
        'dacs',
        'dacs-accumulated',
        'pixel',
        'balanced',
        'balanced-margins',
        'dacs-margins',
        'context',
        'source',
    ],
)
def test_equals_the_literal_loop(tmp_path, mix, accumulate):
    overrides = {
        **mixing(**mix),
        'optim_wrapper.accumulative_counts': accumulate,
    }
    runner = train(tmp_path, overrides)
    student, _ = literal_dacs(runner.cfg, runner.start, accumulate)
    ours = runner.model.state_dict()
    assert largest_difference(ours, runner.start.model, 'conv') > 1e-3
    assert largest_difference(ours, student) == 0
    shares = runner.message_hub.log_scalars.get('train/confident_share_mix')
    assert (shares is None) == (mix['pseudo_labels'] == 'none')
    if shares is not None:
        # Neither all nor nothing: the threshold decided.
        assert 0.01 < shares.data[0].mean() < 0.99


def test_amp_equals_the_literal_loop(tmp_path, monkeypatch):
    amp_on_cpu(monkeypatch)
    overrides = {
        **mixing(pseudo_labels='image'),
        'train_cfg.max_iters': 2,
        'optim_wrapper.type': 'AmpOptimWrapper',
        'optim_wrapper.dtype': 'bfloat16',
        'optim_wrapper.loss_scale': 'dynamic',
    }
    runner = train(tmp_path, overrides)
    student, _ = literal_dacs(
        runner.cfg, runner.start, dtype=torch.bfloat16, iters=2
    )
    ours = runner.model.state_dict()
    assert largest_difference(ours, runner.start.model, 'conv') > 1e-3
    assert largest_difference(ours, student) == 0


@pytest.mark.parametrize('batch_norm', ['running', 'target'])
def test_resumed_equals_straight_to_the_bit(tmp_path, batch_norm):
    """The teacher's weights, buffers and step included, and thresholds."""
    overrides = {
        **mixing(
            dict(TEACHER, batch_norm=batch_norm), pseudo_labels='balanced'
        ),
        'default_hooks.checkpoint.interval': 3,
    }
    straight = train(tmp_path / 'straight', overrides)
    resume = dict(load_from=str(tmp_path / 'straight/iter_3.pth'), resume=True)
    resumed = train(tmp_path / 'resumed', {**overrides, **resume})
    for part in (
        lambda runner: runner.model,
        lambda runner: runner.adaptation.teacher,
    ):
        ours, theirs = part(straight).state_dict(), part(resumed).state_dict()
        assert largest_difference(ours, theirs) == 0
    assert straight.adaptation.teacher.average.steps == 7
    ours, theirs = (
        runner.adaptation.terms['mix'].class_thresholds.values.nan_to_num(9)
        for runner in (straight, resumed)
    )
    assert torch.equal(ours, theirs) and (ours < 1).any()
    # A term that no longer balances leaves the thresholds alone.
    changed = {f'{MIX_KEY}.pseudo_labels': 'pixel', 'train_cfg.max_iters': 4}
    train(tmp_path / 'changed', {**overrides, **resume, **changed})


def test_a_teacher_keeps_statistics_of_the_target_alone():
    """Moved by BatchNorm's momentum before each prediction, and no source."""
    segmentor = nn.Sequential(nn.BatchNorm2d(3, momentum=0.25))
    teacher = EMATeacher(batch_norm='target')
    teacher.build(segmentor)
    images = torch.randn(
        2, 3, 4, 4, generator=torch.Generator().manual_seed(1)
    )
    expected = 0.25 * images.mean((0, 2, 3))
    with torch.no_grad():
        predicted = teacher.model(images)
    layer = teacher.model[0]
    torch.testing.assert_close(layer.running_mean, expected)
    variance = 0.75 + 0.25 * images.var((0, 2, 3))
    torch.testing.assert_close(layer.running_var, variance)
    shape = 1, 3, 1, 1
    by_hand = (images - expected.view(shape)) / (
        variance.view(shape) + layer.eps
    ).sqrt()
    torch.testing.assert_close(predicted, by_hand)
    segmentor(images + 5)  # the source moves the segmentor's
    teacher.update(segmentor)
    teacher.start_iteration(segmentor)
    torch.testing.assert_close(layer.running_mean, expected)


def test_balanced_thresholds_by_hand():
    """Two of four pixels of class 0, two of three of class 2, one of one."""
    confidence = torch.tensor([[0.9, 0.5, 0.7, 0.6], [0.2, 0.4, 0.3, 0.8]])
    labels = torch.tensor([[0, 0, 0, 0], [2, 2, 2, 3]])
    found = balanced_thresholds(confidence, labels, 5, 0.5)
    nan = float('nan')
    expected = torch.tensor([0.7, nan, 0.3, 0.8, nan])
    assert torch.equal(found.nan_to_num(9), expected.nan_to_num(9))
    thresholds = ClassThresholds(5, 0.5, confidence.device)
    thresholds.update(confidence, labels)
    # A class keeps nine tenths of its threshold; an absent one all of it.
    moved = thresholds.update(confidence[:1] / 2, labels[:1]).nan_to_num(9)
    assert moved.tolist() == pytest.approx([0.665, 9, 0.3, 0.8, 9])


def test_numbers_of_unlabelled_images_and_collapse(tmp_path, monkeypatch):
    """A teacher that predicts class 3 nearly everywhere, rather surely."""
    probabilities = torch.full((2, 5, *SOURCE_SIZE), 0.05)
    probabilities[:, 3] = 0.8
    probabilities[:, 3, :2], probabilities[:, 1, :2] = 0.05, 0.8
    monkeypatch.setattr(
        EMATeacher, 'predict', lambda *_: probabilities.clone()
    )
    overrides = {
        **mixing(threshold=0.9),
        'train_cfg.max_iters': 4,
        'default_hooks.divergence': dict(
            type='mmseg_da.DivergenceHook', window=2, term_action='stop'
        ),
    }
    # The adversary asks for the segmentor's own prediction of the target.
    both = with_terms(adversary=True)['default_hooks.adaptation']['terms']
    overrides['default_hooks.adaptation']['terms'].update(both)
    runner = make_runner(tmp_path, overrides)
    share = 1 - 2 / SOURCE_SIZE[0]
    assert share > 0.95
    with pytest.raises(
        InputError,
        match=rf'has collapsed .one class takes {share:.1%} of the teacher.s '
        r'prediction over the last 2 iterations to 2., and training stopped; '
        'start from',
    ):
        runner.train()
    logged = {
        name: runner.message_hub.get_scalar(f'train/{name}_mix').data[0]
        for name in (
            *('confident_share', 'target_entropy', 'largest_class_share'),
            'teacher_agreement',
        )
    }
    assert logged['confident_share'].tolist() == [0, 0]
    entropy = -(0.8 * math.log(0.8) + 4 * 0.05 * math.log(0.05))
    assert logged['target_entropy'] == pytest.approx(entropy / math.log(5))
    assert logged['largest_class_share'] == pytest.approx(share)
    # The toy is random, and so is the agreement.
    assert all(0 < share < 0.9 for share in logged['teacher_agreement'])
    term = runner.adaptation.terms['mix']
    assert term.diagnose(dict(largest_class_share=0.9), '') is None


def test_a_teacher_without_memory_is_the_student(tmp_path):
    """Momentum 0, a control of self-training."""
    teacher = dict(type='mmseg_da.EMATeacher', momentum=0.0)
    runner = train(tmp_path, {**mixing(teacher), 'train_cfg.max_iters': 2})
    own = runner.adaptation.teacher.model.state_dict()
    assert largest_difference(own, runner.model.state_dict()) == 0


def test_labels_of_the_target_are_out_of_reach(tmp_path):
    """Even if its pipeline loads them."""
    labels = 'default_hooks.adaptation.target_dataloader.dataset.labels'
    seen = []
    runner = make_runner(
        tmp_path, {**mixing(), labels: 'random', 'train_cfg.max_iters': 1}
    )
    term = runner.adaptation.terms['mix']
    losses = term.losses
    term.losses = lambda iteration: (
        seen.append(iteration.target.keys()) or losses(iteration)
    )
    runner.train()
    assert seen == [{'inputs'}]


def test_refuses_a_source_batch_of_one(tmp_path):
    """It would be pasted on itself."""
    overrides = {
        **mixing(None, onto='source'),
        'train_dataloader.batch_size': 1,
        'train_dataloader.dataset.length': 2,
    }
    runner = make_runner(tmp_path, overrides)
    # BatchNorm of pooled maps refuses one image before.
    runner.model.eval = runner.model.train = lambda *_: runner.model
    for module in runner.model.modules():
        module.training = False
    with pytest.raises(InputError, match='pastes a source image on another'):
        runner.train()


def test_chooses_half_of_the_classes():
    labels = torch.tensor([[[0, 1, 2, 255]], [[4, 4, 4, 255]]])
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(3)
    for _ in range(30):
        chosen = choose_classes(labels, 255, generator)
        assert chosen.sum(dim=2).tolist() == [[2], [3]]
        assert not chosen[:, 0, 3].any()
        counts += chosen[0, 0, :3]
    assert (counts > 10).all()


def test_color_jitter_by_hand():
    """Without hue, as brightness, contrast, saturation one by one."""
    images = 0.4 + 0.2 * torch.rand(64, 3, 4, 5)
    seed = torch.Generator().manual_seed(5)
    draws = torch.rand(5, 64, generator=torch.Generator().manual_seed(5))
    ours = color_jitter(images, 0.2, seed)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    jittered = draws[4] < 0.8
    assert 40 < jittered.sum() < 62
    assert torch.equal(ours[~jittered], images[~jittered])
    for image, found, draw in zip(images, ours, draws.T):
        if draw[4] >= 0.8:
            continue
        brightness, contrast, saturation = 0.8 + 0.4 * draw[:3]
        expected = image * brightness
        grey = (expected * luma).sum(dim=0).mean()
        expected = grey + contrast * (expected - grey)
        grey = (expected * luma).sum(dim=0)
        # Hue turns the colours about the grey axis and keeps the luma.
        assert torch.allclose((found * luma).sum(dim=0), grey, atol=2e-3)
        distance = (found - grey).norm() / (expected - grey).norm()
        assert distance == pytest.approx(saturation.item(), rel=0.35)
    still = color_jitter(images, 0.0, seed)
    assert torch.allclose(still, images, atol=1e-6)


def test_gaussian_blur_keeps_the_mean_and_some_images():
    images = torch.rand(32, 3, 12, 12)
    blurred = gaussian_blur(images, torch.Generator().manual_seed(0))
    changed = (blurred - images).abs().amax(dim=(1, 2, 3)) > 1e-6
    assert 8 < changed.sum() < 24
    inner = (blurred - images)[..., 4:-4, 4:-4]
    assert inner.mean().abs() < 0.01
    constant = gaussian_blur(
        torch.ones(8, 3, 9, 9), torch.Generator().manual_seed(1)
    )
    assert torch.allclose(constant, torch.ones(()), atol=1e-5)


@pytest.mark.parametrize(
    ('overrides', 'sentence'),
    [
        (mixing(onto='moon'), "mix.onto is 'moon': set it to one of"),
        (mixing(pseudo_labels='all'), "mix.pseudo_labels is 'all'"),
        (mixing(threshold=1.5), 'mix.threshold is 1.5, but it must be a prob'),
        (mixing(share=0), 'mix.share is 0, but it must be a share of'),
        (mixing(ignore_margins=(0.6, 0.4)), 'is wider than the image: give'),
        (
            mixing(ignore_margins=(15, 120)),
            r'is \(15, 120\), but it must be sh',
        ),
        (
            mixing(ignore_margins=0.1),
            'ignore_margins is 0.1, but it must be sh',
        ),
        (mixing(teacher=None), 'adaptation.teacher is missing'),
        (mixing(dict(TEACHER, momentum=1.0)), 'momentum is 1.0, but it must'),
        (mixing(dict(TEACHER, batch_norm='x')), "batch_norm is 'x': set"),
    ],
)
def test_refuses_bad_arguments(tmp_path, overrides, sentence):
    with pytest.raises(InputError, match=sentence):
        make_runner(tmp_path, overrides)


def test_refuses_batches_that_do_not_fit(tmp_path):
    with pytest.raises(InputError, match='crop both to one size'):
        train(tmp_path, {**mixing(), SIZE: (48, 96)})


def test_each_term_of_pseudo_labels_logs_its_own_numbers(tmp_path):
    """Of one teacher's prediction, which one term trusts and one does not."""
    overrides = {**mixing(threshold=1.0), 'train_cfg.max_iters': 2}
    overrides['default_hooks.adaptation']['terms']['masked'] = dict(
        type='mmseg_da.MaskedConsistencyTerm', threshold=0.0
    )
    hub = train(tmp_path, overrides).message_hub
    sure, unsure = (
        hub.get_scalar(f'train/confident_share_{name}').data[0].tolist()
        for name in ('masked', 'mix')
    )
    assert sure == [1, 1] and unsure == [0, 0]
