"""Heads that are unlike BaseDecodeHead with a single output."""

import torch
from mmengine.registry import init_default_scope
from mmseg.models.decode_heads import FCNHead
from torch import nn

from mmseg_da.adaptation.outputs import find_output_index
from mmseg_da.adaptation.supervision import pixel_weights


def test_a_head_s_own_sampler_still_chooses() -> None:
    init_default_scope('mmseg')
    head = FCNHead(
        in_channels=5,
        channels=5,
        num_classes=5,
        num_convs=0,
        concat_input=False,
        sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=9),
    )
    draw = torch.Generator().manual_seed(0)
    # Sure ones, so that some pixels are left out.
    logits = 9 * torch.randn(1, 5, 8, 8, generator=draw)
    labels = torch.randint(5, (1, 1, 8, 8), generator=draw)
    chosen = head.sampler.sample(logits, labels)
    assert 0 < chosen.sum() < 64
    weights, own = torch.rand(1, 8, 8), head.sampler
    with pixel_weights(nn.Sequential(head), weights):
        found = head.sampler.sample(logits, labels)
    assert torch.equal(found, weights * chosen) and head.sampler is own


class Stages(nn.Module):
    """Returns all stages in training, as K-Net's head, and has no loss."""

    def __init__(self) -> None:
        super().__init__()
        self.decode_head = nn.Sequential(nn.Conv2d(3, 2, 1))
        self.last = nn.Conv2d(2, 2, 1)

    def forward(self, inputs, mode: str):
        first = self.decode_head(inputs)
        last = self.last(first)
        return [first, last] if self.training else last


def test_the_stage_that_predicts_is_adapted() -> None:
    assert find_output_index(Stages(), None, 'hook') == 1
    assert find_output_index(Stages(), 0, 'hook') == 0
