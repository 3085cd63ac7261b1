"""The class map without the volume is the one with it."""

import pytest
import torch
import torch.nn.functional as F

from mmseg_da.deploy import class_map

SHAPES = [
    # As used: 8 times, then twice.
    ((16, 32), [(128, 256)]),
    ((16, 32), [(128, 256), (256, 512)]),
    # No whole ratio, not a multiple of the blocks, downwards, one logit.
    ((12, 20), [(90, 160)]),
    ((12, 20), [(90, 160), (111, 77)]),
    ((12, 20), [(50, 33), (25, 19)]),
    ((16, 32), [(128, 256), (20, 40)]),
    ((1, 1), [(5, 3)]),
    ((1, 7), [(8, 56)]),
]


def by_volume(logits, sizes, align_corners=False):
    for size in sizes:
        logits = F.interpolate(
            logits, size, mode='bilinear', align_corners=align_corners
        )
    return logits.argmax(1)


def smooth(*shape):
    """Logits with borders between regions, as networks give them."""
    coarse = torch.randn(*shape[:2], 3, 5)
    return F.interpolate(coarse, shape[2:], mode='bicubic')


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('logits', [torch.randn, smooth])
@pytest.mark.parametrize('size, sizes', SHAPES)
def test_equals_interpolation_and_argmax(size, sizes, logits, align_corners):
    torch.manual_seed(0)
    logits = logits(2, 19, *size)
    found = class_map(logits, sizes, align_corners)
    expected = by_volume(logits, sizes, align_corners)
    assert found.dtype == torch.uint8
    assert found.shape == expected.shape
    assert (found != expected).float().mean() < 1e-4


def test_thin_structures_survive():
    # A single logit of another class, in the middle of a uniform region.
    logits = torch.zeros(1, 3, 16, 16)
    logits[:, 1] = 1
    logits[0, 2, 7, 9] = 3
    found = class_map(logits, [(128, 128)])
    assert set(found.unique().tolist()) == {1, 2}
    assert torch.equal(found, by_volume(logits, [(128, 128)]).byte())


def test_many_classes_and_half_precision():
    logits = torch.randn(1, 300, 4, 4)
    found = class_map(logits, [(32, 32)])
    assert found.dtype == torch.int64
    assert torch.equal(found, by_volume(logits, [(32, 32)]))
    half = logits[:, :9].bfloat16()
    assert torch.equal(
        class_map(half, [(32, 32)]).long(), by_volume(half.float(), [(32, 32)])
    )
