"""Fused networks are the same function."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from torch import nn
from toy import bisenet_cfg

from mmseg_da.deploy import fast_network, fuse
from mmseg_da.deploy.bisenet import FastBiSeNet, LateUpsamplingConv
from mmseg_da.deploy.packed_conv import PackedConv2d, can_pack
from mmseg_da.registry import MODELS

SIZES = [(64, 128), (72, 88), (90, 160), (61, 75)]


def same_function(found, expected):
    assert expected.std() > 0.1
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-4
    equal = found.argmax(1) == expected.argmax(1)
    assert equal.float().mean() >= 0.9999


@torch.no_grad()
@pytest.mark.parametrize('size', SIZES)
def test_fused_segmentor(segmentor, size):
    fused = fuse(segmentor)
    image = torch.randn(2, 3, *size)
    metas = [dict(ori_shape=size, img_shape=size)] * 2
    same_function(
        fused.encode_decode(image, metas),
        segmentor.encode_decode(image, metas),
    )


@torch.no_grad()
@pytest.mark.parametrize('pack', [True, False])
@pytest.mark.parametrize('size', SIZES)
def test_fast_network(segmentor, size, pack):
    network = fast_network(fuse(segmentor), pack=pack)
    assert isinstance(network, FastBiSeNet)
    packed = [m for m in network.modules() if isinstance(m, PackedConv2d)]
    # 3 + 1 + 16 + 3 of ResNet, 3 of the spatial path, 3 of the fusion: 26.
    expected = 26 if can_pack(nn.Conv2d(1, 1, 1)) else 0
    assert len(packed) == (expected if pack else 0)
    image = torch.randn(2, 3, *size)
    same_function(network(image), segmentor(image))


def test_fuse_leaves_the_segmentor_alone(segmentor):
    before = {k: v.clone() for k, v in segmentor.state_dict().items()}
    fused = fuse(segmentor)
    names = {type(module).__name__ for module in fused.modules()}
    assert 'Conv2d' in names and 'BatchNorm2d' not in names
    assert fused.auxiliary_head is None
    assert segmentor.auxiliary_head is not None
    after = segmentor.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@torch.no_grad()
@pytest.mark.parametrize('act_cfg', [None, dict(type='GELU')])
def test_a_head_with_another_activation(shake, act_cfg):
    init_default_scope('mmseg')
    cfg = bisenet_cfg(8)
    cfg['decode_head']['act_cfg'] = act_cfg
    model = MODELS.build(cfg)
    shake(model)
    model.eval()
    image = torch.randn(1, 3, 64, 96)
    same_function(fast_network(fuse(model))(image), model(image))


class Neck(nn.Module):
    def forward(self, maps):
        return [2 * one for one in maps]


@torch.no_grad()
def test_a_neck_is_not_left_out(segmentor):
    model = copy.deepcopy(segmentor)
    model.neck = Neck()
    image = torch.randn(1, 3, 64, 96)
    same_function(fast_network(fuse(model))(image), model(image))


HEADS = dict(
    FCNHead=dict(channels=8, num_convs=1),
    # Normalises what a dynamic convolution returns, which has no name.
    DMHead=dict(channels=64, filter_sizes=(1, 3)),
)


@torch.no_grad()
@pytest.mark.parametrize('head', list(HEADS))
def test_any_segmentor_is_fused(shake, head):
    init_default_scope('mmseg')
    norm_cfg = dict(type='BN')
    model = MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=dict(
                type='ResNet',
                depth=18,
                base_channels=8,
                stem_channels=8,
                norm_cfg=norm_cfg,
            ),
            decode_head=dict(
                type=head,
                in_channels=64,
                num_classes=4,
                norm_cfg=norm_cfg,
                align_corners=False,
                **HEADS[head],
            ),
        )
    )
    shake(model)
    model.eval()
    network = fast_network(fuse(model))
    assert not isinstance(network, FastBiSeNet)
    image = torch.randn(1, 3, 64, 96)
    same_function(network(image), model(image))


@torch.no_grad()
def test_convolution_before_upsampling():
    conv = nn.Conv2d(5 + 4 + 3, 6, 3, padding=1)
    sizes = (9, 14), (5, 7), (3, 4)
    maps = [torch.randn(2, c, *size) for c, size in zip((5, 4, 3), sizes)]
    upsampled = [F.interpolate(m, sizes[0], mode='bilinear') for m in maps]
    expected = conv(torch.cat(upsampled, 1))
    for relu in (False, True):
        late = LateUpsamplingConv(conv, (5, 4, 3), relu, pack=False)
        close = expected.relu() if relu else expected
        torch.testing.assert_close(late(maps), close, atol=1e-6, rtol=1e-5)


@torch.no_grad()
@pytest.mark.skipif(not can_pack(nn.Conv2d(1, 1, 1)), reason='no oneDNN')
@pytest.mark.parametrize('stride, dilation', [(1, 1), (2, 1), (1, 2)])
def test_packed_convolution(stride, dilation):
    conv = nn.Conv2d(6, 8, 3, stride, dilation, dilation)
    x = torch.randn(2, 6, 11, 13)
    expected = conv(x)
    residual = torch.randn_like(expected)
    kept = residual.clone()
    for relu in (False, True):
        end = torch.relu if relu else (lambda x: x)
        packed = PackedConv2d(conv, relu)
        torch.testing.assert_close(packed(x), end(expected))
        torch.testing.assert_close(
            packed(x, residual), end(expected + residual)
        )
        assert torch.equal(residual, kept)
        # Images of another size after it, for which the weights are packed
        # anew.
        other = torch.randn(1, 6, 24, 40)
        torch.testing.assert_close(packed(other), end(conv(other)))
        assert packed.packed_for == other.shape


@torch.no_grad()
def test_bf16_is_near(segmentor):
    image = torch.randn(1, 3, 64, 128)
    network = fast_network(fuse(segmentor), torch.bfloat16)
    found = network(image.bfloat16())
    assert found.dtype == torch.bfloat16
    expected = segmentor(image)
    error = (found.float() - expected).abs().max() / expected.abs().max()
    assert error < 0.05
