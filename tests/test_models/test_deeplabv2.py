"""DeepLabV2-ResNet101: counts, and what freezing leaves to learn."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmseg_da.registry import MODELS

CONFIG = Path(__file__).parents[2] / 'configs/_base_/models/deeplabv2_r101.py'


@pytest.fixture
def narrow():
    """The base config at an eighth of the width, from scratch."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = Config.fromfile(CONFIG).model
    model.backbone.update(base_channels=8, stem_channels=8, init_cfg=None)
    model.decode_head.in_channels = 256
    model = MODELS.build(model)
    model.init_weights()
    return model


def test_counts_are_the_papers():
    init_default_scope('mmseg')
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(CONFIG).model).eval()
        image = torch.empty(1, 3, 512, 1024)
    assert sum(p.numel() for p in model.parameters()) == 43_901_068
    normalized = []
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(
                lambda _, inputs, output: normalized.append(output.numel())
            )
    with FlopCounterMode(display=False) as counter:
        logits = model(image)
    assert logits.shape == (1, 19, 65, 129)
    convolutions = counter.get_total_flops() // 2
    assert convolutions == 373_656_133_632
    total = convolutions + 2 * sum(normalized)
    assert round(total / 1e9, 1) == 374.6


@pytest.mark.parametrize('size', [(64, 128), (65, 97)])
def test_logits_have_the_ceiled_pools_size(narrow, size):
    logits = narrow.eval()(torch.randn(1, 3, *size))
    expected = []
    for length in size:
        stem = (length + 1) // 2
        pooled = stem // 2 + 1  # kernel 3, stride 2, padding 1, ceiled
        expected.append((pooled + 1) // 2)
    assert logits.shape == (1, 19, *expected)
    metas = [dict(ori_shape=size, img_shape=size)]
    full = narrow.encode_decode(torch.randn(1, 3, *size), metas)
    assert full.shape == (1, 19, *size)


def test_head_sums_its_dilated_convolutions(narrow):
    head = narrow.decode_head
    feature = torch.randn(2, 256, 9, 17)
    expected = 0
    for branch, dilation in zip(head.branches, (6, 12, 18, 24)):
        nn.init.normal_(branch.bias)
        expected = expected + F.conv2d(
            feature,
            branch.weight,
            branch.bias,
            padding=dilation,
            dilation=dilation,
        )
    torch.testing.assert_close(head([feature]), expected)
    assert len(list(head.parameters())) == 8


def test_head_starts_from_a_narrow_normal(narrow):
    for branch in narrow.decode_head.branches:
        std = branch.weight.std().item()
        assert std == pytest.approx(0.01, rel=0.03)
        assert not branch.bias.any()


def test_no_residual_branch_is_dead_from_scratch(narrow):
    scales = [
        module.weight
        for module in narrow.modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    assert len(scales) == 104
    assert all(scale.eq(1).all() for scale in scales)


def test_batch_norm_statistics_move_and_its_affine_does_not(narrow):
    narrow.train()
    norms = {
        name: module
        for name, module in narrow.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    }
    before = {name: m.running_mean.clone() for name, m in norms.items()}
    label = torch.randint(0, 19, (1, 64, 128))
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label))]
    losses = narrow(torch.randn(1, 3, 64, 128), samples, mode='loss')
    losses['decode.loss_ce'].backward()
    for name, norm in norms.items():
        assert not torch.equal(norm.running_mean, before[name]), name
        assert norm.weight.grad is None and norm.bias.grad is None
    learned = [p.grad for p in narrow.parameters() if p.requires_grad]
    # 104 convolutions and the head's four with their biases.
    assert len(learned) == 104 + 8
    assert all(grad is not None and grad.any() for grad in learned)
