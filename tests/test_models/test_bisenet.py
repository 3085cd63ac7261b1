"""The plugin's BiSeNet against the paper's, written in plain torch."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.structures import SegDataSample
from toy import bisenet_cfg

from benchmarks.paper_network import (
    PaperBiSeNet,
    load_plugin_weights,
    paper_name,
)
from mmseg_da.registry import MODELS

IGNORE = 255


@pytest.fixture(scope='module', params=[8, 64])
def networks(request):
    """The plugin's segmentor and the paper's network, same weights."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    segmentor = MODELS.build(bisenet_cfg(request.param))
    segmentor.init_weights()
    for module in segmentor.modules():
        # No BN weight of zero, as the last of a residual block starts with.
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
        if getattr(module, 'bias', None) is not None:
            torch.nn.init.normal_(module.bias, 0, 0.1)
    paper = PaperBiSeNet(width=request.param)
    load_plugin_weights(paper, segmentor)
    return segmentor, paper


@pytest.fixture
def pair(networks):
    """A copy that a test may change."""
    return copy.deepcopy(networks)


def close(ours, theirs, tolerance=1e-5):
    """Equal to `tolerance` of the largest value."""
    assert ours.shape == theirs.shape
    scale = max(1, theirs.abs().max().item())
    difference = (ours - theirs).abs().max().item()
    assert difference <= tolerance * scale, difference


# Divisible by 32; by 8; by neither: 90 -> 12 at 1/8, 96 after x8.
@pytest.mark.parametrize('size', [(64, 128), (72, 88), (90, 160), (61, 75)])
def test_inference_equals_the_papers_network(pair, size):
    segmentor, paper = (network.eval() for network in pair)
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        logits = segmentor(image)
        assert logits.shape[2:] == tuple(-(-length // 8) for length in size)
        # The paper's output, 8 times the maps' size.
        expected = paper(image)
        assert expected.std() > 0.1
        close(resize(logits, scale_factor=8, mode='bilinear'), expected)
        # What a user gets has the image's size.
        metas = [dict(ori_shape=size, img_shape=size)] * 2
        close(segmentor.encode_decode(image, metas), paper(image, size))


@pytest.mark.parametrize('size', [(64, 128), (90, 160)])
def test_training_equals_the_papers_network(pair, size):
    """Losses of all three heads, their gradients, the BN statistics."""
    segmentor, paper = (network.train() for network in pair)
    image = torch.randn(2, 3, *size)
    label = torch.randint(0, 19, (2, *size))
    label[:, :8] = IGNORE
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=one[None])) for one in label
    ]

    losses = segmentor(image, samples, mode='loss')
    losses = [value for name, value in losses.items() if 'loss' in name]
    expected = [
        F.cross_entropy(logits, label, ignore_index=IGNORE)
        for logits in paper(image, size)
    ]
    close(torch.stack(losses), torch.stack(expected))

    sum(losses).backward()
    sum(expected).backward()
    theirs = dict(paper.named_parameters())
    for name, parameter in segmentor.named_parameters():
        expected_grad = theirs[paper_name(name)].grad
        assert expected_grad.abs().max() > 0, name
        close(parameter.grad, expected_grad, 1e-4)
    theirs = paper.state_dict()
    for name, tensor in segmentor.state_dict().items():
        if 'running' in name:
            close(tensor, theirs[paper_name(name)])


def test_parameter_counts():
    init_default_scope('mmseg')
    segmentor = MODELS.build(bisenet_cfg(64))
    counts = {
        name: sum(p.numel() for p in module.parameters())
        for name, module in segmentor.named_children()
    }
    assert sum(counts.values()) == 12_068_672
    assert sum(counts.values()) - counts['auxiliary_head'] == 12_054_042
    assert sum(p.numel() for p in PaperBiSeNet().parameters()) == 12_068_672


def test_kaiming_fan_in_outside_the_resnet():
    init_default_scope('mmseg')
    torch.manual_seed(0)
    segmentor = MODELS.build(bisenet_cfg(64))
    segmentor.init_weights()
    for name, module in segmentor.named_modules():
        if isinstance(module, torch.nn.Conv2d) and 'context' not in name:
            weight = module.weight.detach()
            gain = (weight.std() * weight[0].numel() ** 0.5).item()
            assert gain == pytest.approx(2**0.5, rel=0.1), name
            assert module.bias is None or not module.bias.any(), name
