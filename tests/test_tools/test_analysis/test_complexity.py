"""MACs of the paper's network, tallied by hand, against the tool's count."""

from pathlib import Path

import pytest
import torch
from torch import nn

from analysis.get_flops import count_macs, count_parameters
from mmseg_da.apis import build_segmentor
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

CONFIGS = Path(__file__).parents[3] / 'configs'
H, W = 512, 1024
FULL, EIGHTH, SIXTEENTH, LAST = H * W, H * W // 64, H * W // 256, H * W // 1024
CLASSES = 19


@pytest.fixture(scope='module')
def bisenet():
    return build_segmentor(load_config(CONFIGS / 'da/bisenet_adv_gta2cs.py'))


def conv(c_in, c_out, kernel, pixels):
    return c_in * c_out * kernel**2 * pixels


def resnet18():
    """Convolution MACs and normalised elements of ResNet-18."""
    macs = conv(3, 64, 7, FULL // 4)
    norm = 64 * FULL // 4
    stages = zip((64, 64, 128, 256), (64, 128, 256, 512), (16, 64, 256, 1024))
    for c_in, c_out, area in stages:
        pixels = FULL // area
        macs += conv(c_in, c_out, 3, pixels) + 3 * conv(
            c_out, c_out, 3, pixels
        )
        norm += 4 * c_out * pixels
        if c_in != c_out:
            macs += conv(c_in, c_out, 1, pixels)
            norm += c_out * pixels
    return macs, norm


def paper_tally():
    """Convolution MACs, normalised, upsampled and pooled elements."""
    macs, norm = resnet18()
    for c_in, c_out, area in ((3, 64, 4), (64, 128, 16), (128, 256, 64)):
        macs += conv(c_in, c_out, 3, FULL // area)
        norm += c_out * FULL // area
    # Attention refinement, on a map of one pixel.
    macs += conv(256, 256, 1, 1) + conv(512, 512, 1, 1)
    norm += 256 + 512
    # Feature fusion and its gate.
    macs += conv(1024, CLASSES, 3, EIGHTH) + 2 * conv(CLASSES, CLASSES, 1, 1)
    norm += CLASSES * EIGHTH
    # The classifier follows the upsampling.
    macs += conv(CLASSES, CLASSES, 1, FULL)
    upsampled = (256 + 512) * EIGHTH + CLASSES * FULL
    pooled = 256 * SIXTEENTH + 512 * LAST + CLASSES * EIGHTH
    return macs, norm, upsampled, pooled


def test_classifier_before_upsampling_saves_its_full_resolution_work(bisenet):
    paper_macs, *_ = paper_tally()
    saved = conv(CLASSES, CLASSES, 1, FULL - EIGHTH)
    assert f'{paper_macs / 1e9:.3f}' == '25.632'
    assert count_macs(bisenet, (H, W)) == paper_macs - saved == 25445933778


def test_paper_prints_macs_with_norm_upsampling_and_pooling():
    """fvcore's way: 2 an element for BN, 4 for bilinear, 1 for pooling."""
    macs, norm, upsampled, pooled = paper_tally()
    total = macs + 2 * norm + 4 * upsampled + pooled
    assert f'{total / 1e9:.4f} G' == '25.7798 G'


def test_parameters_with_and_without_auxiliary_heads(bisenet):
    assert count_parameters(bisenet) == 12_068_672
    assert count_parameters(bisenet, in_training=False) == 12_054_042
    assert not bisenet.training


class Toy(nn.Module):
    """A segmentor of 5 * 3 * 9 MACs a pixel; shaped like MMSeg's."""

    def __init__(self, looks_at_values=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.looks_at_values = looks_at_values

    def encode_decode(self, image, metas):
        assert metas[0]['img_shape'] == tuple(image.shape[2:])
        if self.looks_at_values and image.sum().item() > 1e9:
            return image
        return self.norm(self.conv(image))


@pytest.mark.parametrize('looks_at_values', [False, True])
def test_counts_convolutions_alone(looks_at_values):
    toy = Toy(looks_at_values).eval()
    assert count_macs(toy, (4, 6)) == 5 * 3 * 9 * 24
    assert toy.conv.weight.device == torch.device('cpu')


@pytest.mark.parametrize('looks_at_values', [False, True])
def test_attention_is_counted(looks_at_values):
    class Attention(Toy):
        def __init__(self):
            super().__init__(looks_at_values)
            self.layer = nn.TransformerEncoderLayer(
                8, 2, dim_feedforward=16, batch_first=True
            )

        def encode_decode(self, image, metas):
            self.layer(image.new_zeros(1, 10, 8))
            return super().encode_decode(image, metas)

    # qkv and output projections, scores and their sum, feed-forward.
    expected = 10 * 8 * 8 * 4 + 2 * 10 * 10 * 8 + 2 * 10 * 8 * 16
    expected += 5 * 3 * 9 * 24
    assert count_macs(Attention().eval(), (4, 6)) == expected


def test_config_without_a_model_is_named():
    cfg = load_config(CONFIGS / '_base_/default_runtime.py')
    with pytest.raises(InputError, match=r'default_runtime.py has no model'):
        build_segmentor(cfg)


def test_model_of_unknown_type_is_named():
    cfg = load_config(
        CONFIGS / 'da/bisenet_adv_gta2cs.py', {'model.type': 'Nonesuch'}
    )
    with pytest.raises(InputError, match='Nonesuch is not in'):
        build_segmentor(cfg)
