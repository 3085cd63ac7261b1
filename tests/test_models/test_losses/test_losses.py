"""The losses against hand-computed values and a plain one-hot reference."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch.autograd import gradcheck

from mmseg_da.errors import InputError
from mmseg_da.models.losses import (
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    cross_entropy,
    dice_loss,
    softmax_focal_loss,
)

FUNCTIONS = {
    'cross_entropy': cross_entropy,
    'focal': softmax_focal_loss,
    'dice': dice_loss,
}
LOSSES = {'ce': CrossEntropyLoss, 'focal': FocalLoss, 'dice': DiceLoss}
each_function = pytest.mark.parametrize(
    'function', FUNCTIONS.values(), ids=FUNCTIONS
)
each_loss = pytest.mark.parametrize('loss', LOSSES.values(), ids=LOSSES)


def logits_of(*rows):
    """Logits (1, C, 1, W) whose softmax is the given rows, one a pixel."""
    return torch.tensor(rows).log().t()[None, :, None, :]


def labels_of(*labels):
    return torch.tensor(labels)[None, None, :]


def batch(shape=(2, 19, 64, 128), ignored=0.2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pred = torch.randn(shape, generator=generator) * 3
    size = (shape[0], *shape[2:])
    target = torch.randint(0, shape[1], size, generator=generator)
    target[torch.rand(size, generator=generator) < ignored] = 255
    return pred, target


def reference(name, pred, target, class_weight=None, gamma=1.0):
    """The formulas written out with one-hot labels."""
    num_classes = pred.size(1)
    if class_weight is None:
        class_weight = torch.ones(num_classes)
    valid = target != 255
    prob = pred.softmax(1).movedim(1, -1)[valid]
    onehot = F.one_hot(target[valid], num_classes).to(prob)
    if name == 'dice':
        losses = []
        weights = []
        for c in range(num_classes):
            if onehot[:, c].any():
                p, g = prob[:, c], onehot[:, c]
                dice = (2 * (p * g).sum() + 1) / (p.sum() + g.sum() + 1)
                losses.append((1 - dice) * class_weight[c])
                weights.append(class_weight[c])
        return sum(losses) / sum(weights)
    if name == 'cross_entropy':
        gamma = 0.0
    true = (prob * onehot).sum(1)
    weight = (onehot * class_weight).sum(1)
    loss = -weight * (1 - true) ** gamma * true.log()
    return loss.sum() / weight.sum()


def test_cross_entropy_by_hand():
    pred = logits_of([0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1])
    target = labels_of(0, 2, 255)
    expected = -(math.log(0.5) + math.log(0.6)) / 2
    assert cross_entropy(pred, target).item() == pytest.approx(expected)
    weighted = -(2 * math.log(0.5) + 6 * math.log(0.6)) / 8
    assert cross_entropy(
        pred, target, class_weight=[2.0, 1.0, 6.0]
    ).item() == pytest.approx(weighted)


@pytest.mark.parametrize('gamma', [0.0, 0.5, 1.0, 2.0])
def test_focal_by_hand(gamma):
    pred = logits_of([0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1])
    target = labels_of(0, 2, 255)
    first = -(0.5**gamma) * math.log(0.5)
    second = -(0.4**gamma) * math.log(0.6)
    loss = softmax_focal_loss(pred, target, gamma)
    assert loss.item() == pytest.approx((first + second) / 2)
    loss = softmax_focal_loss(pred, target, gamma, class_weight=[2, 1, 6])
    assert loss.item() == pytest.approx((2 * first + 6 * second) / 8)
    loss = softmax_focal_loss(pred, target, gamma, reduction='none')
    assert loss.tolist() == [[pytest.approx([first, second, 0.0])]]


def test_dice_by_hand():
    # Class 2 does not occur, the last pixel does not count.
    pred = logits_of(
        [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.1, 0.1, 0.8]
    )
    target = labels_of(0, 0, 1, 255)
    first = 1 - (2 * 1.3 + 1) / (1.6 + 2 + 1)
    second = 1 - (2 * 0.5 + 1) / (1.0 + 1 + 1)
    loss = dice_loss(pred, target)
    assert loss.item() == pytest.approx((first + second) / 2)
    loss = dice_loss(pred, target, class_weight=[1.0, 3.0, 100.0])
    assert loss.item() == pytest.approx((first + 3 * second) / 4)
    loss = dice_loss(pred, target, smooth=0)
    plain = (1 - 2.6 / 3.6 + 1 - 1 / 2) / 2
    assert loss.item() == pytest.approx(plain)
    loss = dice_loss(pred, target, reduction='none')
    assert loss.tolist() == pytest.approx([first, second, 0.0])
    loss = dice_loss(pred, target, reduction='sum')
    assert loss.item() == pytest.approx(first + second)


def test_dice_missing_a_rare_class_costs_its_share():
    # 10,000 pixels of class 0, 20 of class 1, predicted as class 0.
    target = torch.zeros(1, 20, 501, dtype=torch.long)
    target[..., 0] = 1
    pred = F.one_hot(torch.zeros_like(target), 19).movedim(-1, 1) * 50.0
    assert dice_loss(pred, target).item() == pytest.approx(0.5, abs=0.03)
    # The mean over pixels does not see it.
    missed = (target == 1).sum() / target.numel()
    assert missed < 0.002
    perfect = F.one_hot(target, 19).movedim(-1, 1) * 50.0
    assert dice_loss(perfect, target).item() == pytest.approx(0, abs=1e-6)


def test_focal_equals_cross_entropy_at_gamma_0():
    pred, target = batch((2, 5, 6, 7))
    weight = torch.rand(5) + 0.5
    torch.testing.assert_close(
        softmax_focal_loss(pred, target, 0.0, class_weight=weight),
        F.cross_entropy(pred, target, weight, ignore_index=255),
    )


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('name', FUNCTIONS)
def test_agrees_with_the_reference(name, weighted):
    pred, target = batch()
    target[target == 7] = 255  # a class that does not occur
    weight = torch.linspace(0.5, 4, 19) if weighted else None
    ours, theirs = pred.clone(), pred.double()
    ours.requires_grad_()
    theirs.requires_grad_()
    loss = FUNCTIONS[name](ours, target, class_weight=weight)
    expected = reference(name, theirs, target, weight)
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    scale = theirs.grad.abs().max()
    difference = (ours.grad - theirs.grad).abs().max()
    assert difference < 1e-5 * scale


@pytest.mark.parametrize('name', FUNCTIONS)
def test_agrees_with_the_reference_at_full_size(name):
    pred, target = batch((1, 19, 512, 1024))
    loss = FUNCTIONS[name](pred, target)
    expected = reference(name, pred.double(), target)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


@each_function
@pytest.mark.parametrize('weighted', [False, True])
def test_gradcheck(function, weighted):
    pred, target = batch((2, 4, 3, 2))
    pred = pred.double().requires_grad_()
    settings = {}
    if weighted:
        settings['class_weight'] = [1.0, 3.0, 0.5, 2.0]
        settings['weight'] = torch.rand(target.shape).double()
    for reduction in ('none', 'mean', 'sum'):
        assert gradcheck(
            lambda x, r=reduction: function(
                x, target, reduction=r, **settings
            ),
            pred,
        )


@each_function
def test_nothing_but_ignored_pixels(function):
    pred, target = batch((1, 19, 4, 4))
    pred.requires_grad_()
    target.fill_(255)
    loss = function(pred, target, class_weight=[2.0] * 19)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_dice_without_smoothing_and_pixels():
    pred, target = batch((1, 19, 4, 4))
    pred.requires_grad_()
    loss = dice_loss(pred, target.fill_(255), smooth=0)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


@each_function
def test_ignored_pixels_have_no_gradient(function):
    pred, target = batch((1, 19, 8, 8))
    pred.requires_grad_()
    function(pred, target).backward()
    moved = pred.grad.abs().sum(1) > 0
    assert torch.equal(moved, target != 255)


@each_function
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(function, dtype):
    pred, target = batch((1, 19, 64, 64))
    half = pred.to(dtype).requires_grad_()
    full = half.detach().float().requires_grad_()
    loss, expected = function(half, target), function(full, target)
    loss.backward()
    expected.backward()
    assert loss.dtype == torch.float32
    assert half.grad.dtype == dtype
    assert torch.equal(loss, expected)
    assert torch.equal(half.grad, full.grad.to(dtype))


@each_function
def test_extreme_logits_stay_finite(function):
    pred = torch.tensor([6e4, -6e4, 0.0, 1e-8])[None, :, None, None]
    pred = pred.half().expand(1, 4, 2, 2).clone().requires_grad_()
    target = torch.tensor([[[0, 1], [2, 3]]])
    loss = function(pred, target)
    loss.backward()
    assert loss.isfinite() and pred.grad.isfinite().all()


def test_focal_slope_at_a_certain_pixel():
    pred = torch.tensor([200.0, 0.0])[None, :, None, None].requires_grad_()
    loss = softmax_focal_loss(pred, torch.zeros(1, 1, 1).long(), gamma=0.5)
    loss.backward()
    assert loss.item() == 0 and pred.grad.abs().max() == 0


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
@each_function
def test_memory_is_that_of_a_softmax(function, dtype):
    """Live at any time: one class volume (the gradient) and a few maps."""
    pred, target = batch((2, 19, 512, 512))
    pred = pred.to(dtype).requires_grad_()
    volume = pred.nbytes
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        function(pred, target).backward()
    live = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == '[memory]':
            live += event.nbytes()
            peak = max(peak, live)
    # A map of float32 is 1/19 of a volume of float32, 2/19 of float16.
    assert volume <= peak < (1.5 if dtype == torch.float32 else 2) * volume


@each_function
def test_saves_no_volume_for_the_backward_pass(function):
    pred, target = batch((1, 19, 64, 64))
    pred.requires_grad_()
    saved = []

    def pack(tensor):
        if tensor.data_ptr() != pred.data_ptr():
            saved.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        function(pred, target)
    assert saved and sum(saved) < 0.6 * pred.nbytes


@each_loss
def test_modules_are_the_functions(loss):
    pred, target = batch((1, 19, 8, 8))
    weights = [0.1 * i + 1 for i in range(19)]
    module = MODELS.build(
        dict(
            type=f'mmseg_da.{loss.__name__}',
            class_weight=weights,
            loss_weight=0.3,
        )
    )
    assert isinstance(module, loss)
    name = {
        CrossEntropyLoss: 'cross_entropy',
        FocalLoss: 'focal',
        DiceLoss: 'dice',
    }[loss]
    expected = FUNCTIONS[name](pred, target, class_weight=weights)
    torch.testing.assert_close(module(pred, target), 0.3 * expected)
    total = FUNCTIONS[name](
        pred, target, class_weight=weights, reduction='sum'
    )
    torch.testing.assert_close(
        module(pred, target, reduction_override='sum'), 0.3 * total
    )
    torch.testing.assert_close(
        module(pred, target, avg_factor=5), 0.3 * total / 5
    )
    assert not module.state_dict()


def test_settings_of_the_modules():
    pred, target = batch((1, 19, 8, 8))
    torch.testing.assert_close(
        FocalLoss(gamma=2.0)(pred, target),
        softmax_focal_loss(pred, target, 2.0),
    )
    torch.testing.assert_close(
        DiceLoss(smooth=9.0)(pred, target), dice_loss(pred, target, 9.0)
    )
    names = [loss().loss_name for loss in LOSSES.values()]
    assert names == ['loss_ce', 'loss_focal', 'loss_dice']
    assert DiceLoss(loss_name='loss_x').loss_name == 'loss_x'


@each_loss
def test_other_ignore_index(loss):
    pred, target = batch((1, 5, 8, 8), ignored=0)
    moved = target.clone()
    moved[moved == 4] = 255
    torch.testing.assert_close(
        loss()(pred, target, ignore_index=4), loss()(pred, moved)
    )


def test_pixel_weights():
    pred, target = batch((1, 19, 8, 8))
    keep = torch.rand(target.shape) < 0.5
    masked = target.masked_fill(~keep, 255)
    for function in FUNCTIONS.values():
        torch.testing.assert_close(
            function(pred, target, weight=keep.float()),
            function(pred, masked),
        )


def test_stock_cross_entropy_is_not_enough():
    """Why the plugin has one: fails once MMSegmentation's is right."""
    pred, target = batch((1, 19, 8, 8))
    stock = MODELS.build(
        dict(
            type='mmseg.CrossEntropyLoss',
            class_weight=[1.0] * 19,
            avg_non_ignore=True,
        )
    )
    with pytest.raises(IndexError):
        stock(pred, target, ignore_index=255)
    assert CrossEntropyLoss(class_weight=[1.0] * 19)(pred, target) > 0


@pytest.mark.parametrize(
    'loss, settings, found',
    [
        (FocalLoss, dict(gamma=-0.5), 'gamma of FocalLoss is -0.5'),
        (FocalLoss, dict(gamma='2'), "gamma of FocalLoss is '2'"),
        (FocalLoss, dict(gamma=math.nan), 'gamma of FocalLoss is nan'),
        (DiceLoss, dict(smooth=-1), 'smooth of DiceLoss is -1'),
        (DiceLoss, dict(loss_weight=-0.3), 'loss_weight of DiceLoss is -0.3'),
        (DiceLoss, dict(loss_weight=math.inf), 'DiceLoss is inf'),
        (CrossEntropyLoss, dict(reduction='avg'), "is 'avg': set it to one"),
    ],
)
def test_settings_out_of_range(loss, settings, found):
    with pytest.raises(InputError) as error:
        loss(**settings)
    assert found in str(error.value)


@each_loss
@pytest.mark.parametrize('wrong', [-1, 19, 33, 254])
def test_labels_out_of_range(loss, wrong):
    pred, target = batch((1, 19, 8, 8))
    target[0, 0, 0] = wrong
    with pytest.raises(InputError, match=rf'contain {wrong}, but .*0\.\.18'):
        loss()(pred, target)


def test_wrong_shapes():
    pred, target = batch((1, 19, 8, 8))
    with pytest.raises(InputError, match=r'\(1, 19, 8, 8\).*\(1, 4, 8\)'):
        CrossEntropyLoss()(pred, target[:, :4])
    with pytest.raises(InputError, match=r'has 3 values.*19 classes'):
        FocalLoss(class_weight=[1, 2, 3])(pred, target)
    with pytest.raises(InputError, match=r'\(1, 8, 8\), but got \(8,\)'):
        DiceLoss()(pred, target, weight=torch.ones(8))
    with pytest.raises(ValueError, match='avg_factor'):
        DiceLoss(reduction='sum')(pred, target, avg_factor=2)
