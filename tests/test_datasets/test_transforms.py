"""Augmentations and sizes; image and label stay together."""

import mmcv
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from mmseg_da.datasets import (
    ColorJitter,
    EvaluateAtInputSize,
    RandomResizedCrop,
    ResizeToScale,
)
from mmseg_da.errors import InputError


def smooth_sample(height: int = 72, width: int = 128) -> dict:
    """An image whose blue and green are its pixels' places, as the label."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    img = np.dstack([columns, rows, np.full_like(rows, 77)])
    return {
        'img': img,
        'img_shape': (height, width),
        'ori_shape': (height, width),
        'gt_seg_map': columns.copy(),
        'seg_fields': ['gt_seg_map'],
        'img_scale': (64, 36),
    }


def check_together(results: dict, tolerance: int) -> None:
    columns = results['img'][..., 0].astype(int)
    label = results['gt_seg_map'].astype(int)
    assert results['img_shape'] == columns.shape == label.shape
    assert np.abs(columns - label).max() <= tolerance


@pytest.mark.parametrize(
    ('config', 'tolerance'),
    [
        ({'type': 'mmseg_da.RandomResizedCrop', 'prob': 1.0}, 1),
        # mmcv's nearest picks the upper left of the 2x2 pixels
        ({'type': 'mmseg_da.ResizeToScale'}, 1),
        ({'type': 'RandomFlip', 'prob': 0.5}, 0),
    ],
)
def test_image_and_label_stay_together(config: dict, tolerance: int) -> None:
    transform = TRANSFORMS.build(config)
    np.random.seed(0)
    changed = 0
    for _ in range(20):
        results = transform(smooth_sample())
        check_together(results, tolerance)
        before = smooth_sample()['img']
        changed += not np.array_equal(results['img'], before)
    assert changed > 4


def test_jitter_leaves_the_label() -> None:
    np.random.seed(0)
    results = ColorJitter(prob=1)(smooth_sample())
    before = smooth_sample()
    assert (results['gt_seg_map'] == before['gt_seg_map']).all()
    assert (results['img'] != before['img']).any()


def test_crop_box() -> None:
    """The cut pixels are those of one box, not moved, at its own scale."""
    crop = RandomResizedCrop(scale=(60, 30), prob=1)
    crop.sample_box = lambda height, width: (10, 20, 30, 60)
    results = crop(smooth_sample())
    before = smooth_sample()
    assert (results['img'] == before['img'][10:40, 20:80]).all()
    assert (results['gt_seg_map'] == before['gt_seg_map'][10:40, 20:80]).all()
    assert results['img_shape'] == (30, 60)
    # A third of the size: the middle of 3x3 pixels, in image and label.
    crop.scale = (20, 10)
    results = crop(smooth_sample())
    for key in ('img', 'gt_seg_map'):
        assert (results[key] == before[key][11:40:3, 21:80:3]).all()


def test_crop_geometry() -> None:
    np.random.seed(0)
    crop = RandomResizedCrop()
    boxes = np.array([crop.sample_box(720, 1280) for _ in range(2000)])
    top, left, height, width = boxes.T
    assert (top >= 0).all() and (top + height <= 720).all()
    assert (left >= 0).all() and (left + width <= 1280).all()
    share = height * width / (720 * 1280)
    ratio = width / height
    # one pixel of rounding is 0.0014 of the height
    assert share.min() >= 0.798 and share.max() <= 1.002
    assert ratio.min() >= 1.298 and ratio.max() <= 1.802
    # The box really varies over the ranges, and over the places left.
    assert share.min() < 0.82 and share.max() > 0.97
    assert ratio.min() < 1.45 and ratio.max() > 1.78
    assert top.min() == 0 and left.min() == 0
    assert (top + height == 720).any() and (left + width == 1280).any()
    # Place: uniform over what the box leaves, so centred on average.
    slack = height < 700
    middle = top[slack] / (720 - height[slack])
    assert abs(middle.mean() - 0.5) < 0.03


def test_crop_area_is_uniform_and_ratio_log_uniform() -> None:
    """Where every box fits, nothing is rejected."""
    np.random.seed(0)
    crop = RandomResizedCrop(
        crop_ratio_range=(0.1, 0.2), aspect_ratio_range=(0.5, 2)
    )
    boxes = np.array([crop.sample_box(1000, 1000) for _ in range(4000)])
    share = boxes[:, 2] * boxes[:, 3] / 1e6
    log_ratio = np.log2(boxes[:, 3] / boxes[:, 2])
    for values, low, high in ((share, 0.1, 0.2), (log_ratio, -1, 1)):
        quarters = np.histogram(values, 4, (low, high))[0] / len(values)
        assert np.abs(quarters - 0.25).max() < 0.03


@pytest.mark.parametrize(
    ('shape', 'box'),
    [
        # too wide for any ratio: full height, 100 * 1.8 wide, in the middle
        ((100, 1000), (0, 410, 100, 180)),
        # too tall: full width, 130 / 1.3 high
        ((1000, 130), (450, 0, 100, 130)),
    ],
)
def test_crop_fallback(shape: tuple, box: tuple) -> None:
    assert RandomResizedCrop().sample_box(*shape) == box


def test_crop_fallback_within_the_ratios_is_the_whole_image() -> None:
    # No box of this share and ratio fits, but the image's ratio is allowed.
    crop = RandomResizedCrop(
        crop_ratio_range=(1, 1), aspect_ratio_range=(1.3, 1.8)
    )
    np.random.seed(0)
    boxes = np.array([crop.sample_box(1000, 1500) for _ in range(20)])
    # A try may meet the image's own ratio to a pixel or two.
    assert np.abs(boxes - [0, 0, 1000, 1500]).max() <= 2


@pytest.mark.parametrize('transform', [ColorJitter, RandomResizedCrop])
def test_probability(transform: type) -> None:
    np.random.seed(0)
    transform = transform(prob=0.5)
    before = smooth_sample()['img']
    changed = 0
    for _ in range(200):
        img = transform(smooth_sample())['img']
        changed += not np.array_equal(img, before)
    # 100 expected, standard deviation 7
    assert 70 < changed < 130
    transform.prob = 0
    for _ in range(20):
        assert (transform(smooth_sample())['img'] == before).all()


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def grey(img: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma, rounded, of a BGR image."""
    return np.round(img @ np.array([0.114, 0.587, 0.299]))


@pytest.mark.parametrize('factor', [0.9, 0.95, 1.0, 1.03, 1.1])
def test_blends_against_plain_formula(factor: float) -> None:
    img = noise()
    pixels = img.astype(float)
    degenerate = {
        'brightness': np.zeros_like(pixels),
        'contrast': np.full_like(pixels, np.round(grey(pixels).mean())),
        'saturation': np.repeat(grey(pixels)[..., None], 3, 2),
    }
    for key, other in degenerate.items():
        expected = np.clip(pixels * factor + other * (1 - factor), 0, 255)
        result = getattr(ColorJitter, f'adjust_{key}')(img, factor)
        assert result.dtype == np.uint8
        # rounding or truncation, and luma in fixed point
        assert np.abs(result - expected).max() <= 1.01
        # exactly what mmcv gives
        name = 'color' if key == 'saturation' else key
        mmcvs = getattr(mmcv, f'adjust_{name}')(img, factor)
        assert (result == mmcvs).all()


def test_hue() -> None:
    colours = np.array([[[0, 0, 255], [0, 255, 0], [99, 99, 99]]], np.uint8)
    result = ColorJitter.adjust_hue(colours, 1 / 3)
    # a third of a turn: red becomes green, green blue, grey stays
    expected = [[[0, 255, 0], [255, 0, 0], [99, 99, 99]]]
    assert np.abs(result.astype(int) - expected).max() <= 6
    small = ColorJitter.adjust_hue(colours, 0.02)  # towards yellow
    assert small[0, 0, 1] > 20 and small[0, 0, 0] == 0


def test_jitter_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The four adjustments, each once, in any order, over their ranges."""
    calls = []
    for key in ('brightness', 'contrast', 'saturation', 'hue'):
        monkeypatch.setattr(
            ColorJitter,
            f'adjust_{key}',
            staticmethod(lambda img, x, k=key: calls.append((k, x)) or img),
        )
    np.random.seed(0)
    jitter = ColorJitter(brightness=0.3, contrast=1.5, hue=0.02, prob=1)
    for _ in range(300):
        jitter({'img': noise()})
    orders = {
        tuple(key for key, _ in calls[i : i + 4]) for i in range(0, 1200, 4)
    }
    assert len(orders) == 24
    assert all(len(set(order)) == 4 for order in orders)
    ranges = {
        'brightness': (0.7, 1.3),
        'contrast': (0, 2.5),
        'saturation': (0.9, 1.1),
        'hue': (-0.02, 0.02),
    }
    for key, (low, high) in ranges.items():
        amounts = np.array([x for k, x in calls if k == key])
        assert amounts.min() >= low and amounts.max() <= high
        quarters = np.histogram(amounts, 4, (low, high))[0] / len(amounts)
        assert np.abs(quarters - 0.25).max() < 0.1


@pytest.mark.parametrize(
    ('transform', 'key', 'value'),
    [
        (ColorJitter, 'brightness', -0.1),
        (ColorJitter, 'saturation', 'much'),
        (ColorJitter, 'hue', 0.6),
        (ColorJitter, 'prob', 1.5),
        (RandomResizedCrop, 'prob', -0.1),
        (RandomResizedCrop, 'scale', (1280,)),
        (RandomResizedCrop, 'scale', (1280, 0)),
        (RandomResizedCrop, 'crop_ratio_range', (0, 1)),
        (RandomResizedCrop, 'crop_ratio_range', (0.8, 1.2)),
        (RandomResizedCrop, 'aspect_ratio_range', (1.8, 1.3)),
    ],
)
def test_bad_arguments(transform: type, key: str, value: object) -> None:
    with pytest.raises(InputError, match=rf'{transform.__name__}\.{key} is'):
        transform(**{key: value})


def test_resize_to_scale() -> None:
    results = ResizeToScale()(smooth_sample())
    assert results['img'].shape == (36, 64, 3)
    assert results['gt_seg_map'].shape == results['img_shape'] == (36, 64)
    assert results['ori_shape'] == (72, 128)
    with pytest.raises(InputError, match='no img_scale'):
        ResizeToScale()({**smooth_sample(), 'img_scale': None})


def test_evaluate_at_input_size() -> None:
    results = EvaluateAtInputSize()(ResizeToScale()(smooth_sample()))
    assert results['ori_shape'] == (36, 64)
    late = ResizeToScale()({**smooth_sample(), 'seg_fields': []})
    with pytest.raises(InputError, match='128x72 and its image 64x36'):
        EvaluateAtInputSize()(late)
