"""Random changes of samples while training."""

import math
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_da.datasets.transforms.resizing import check_size
from mmseg_da.errors import wrong_value
from mmseg_da.registry import TRANSFORMS


def check_range(key: str, value: Any, low: float, high: float) -> None:
    """Raise unless ``low <= value <= high``."""
    if not isinstance(value, (int, float)) or not low <= value <= high:
        raise wrong_value(key, value, f'a number from {low:g} to {high:g}')


def check_interval(key: str, value: Any, high: float) -> None:
    """Raise unless the value is a pair, ``0 < first <= second <= high``."""
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(isinstance(v, (int, float)) for v in value)
        and 0 < value[0] <= value[1] <= high
    ):
        wanted = f'(low, high) with 0 < low <= high <= {high:g}'
        raise wrong_value(key, value, wanted)


def show_arguments(transform: object) -> str:
    """A transform and its settings, as mmcv's transforms show themselves."""
    settings = ', '.join(f'{k}={v}' for k, v in vars(transform).items())
    return f'{type(transform).__name__}({settings})'


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue, in random order.

    Like torchvision's ``ColorJitter``, applied as a whole with probability
    ``prob``. Factors are drawn uniformly from ``[1 - x, 1 + x]``
    (not below 0) and the hue's shift from ``[-hue, hue]`` turns of the
    colour circle. Brightness blends with black, contrast with the mean grey,
    saturation with the grey image. The defaults are the paper's.

    Changes ``img`` (BGR, uint8, shape (H, W, 3)).

    Args:
        brightness, contrast, saturation (float): Half width of the factor.
        hue (float): Largest shift, at most 0.5. Defaults to 0.02.
        prob (float): How often it is applied. Defaults to 0.5.

    Raises:
        InputError: An argument is out of range.
    """

    def __init__(
        self,
        brightness: float = 0.1,
        contrast: float = 0.1,
        saturation: float = 0.1,
        hue: float = 0.02,
        prob: float = 0.5,
    ) -> None:
        widths = dict(
            brightness=brightness, contrast=contrast, saturation=saturation
        )
        for key, width in widths.items():
            check_range(f'ColorJitter.{key}', width, 0, float('inf'))
        check_range('ColorJitter.hue', hue, 0, 0.5)
        check_range('ColorJitter.prob', prob, 0, 1)
        self.widths = widths
        self.hue = hue
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Jitter ``results['img']``."""
        if np.random.rand() >= self.prob:
            return results
        amounts = {
            key: np.random.uniform(max(0, 1 - width), 1 + width)
            for key, width in self.widths.items()
        }
        amounts['hue'] = np.random.uniform(-self.hue, self.hue)
        img = results['img']
        for key in np.random.permutation(list(amounts)):
            img = getattr(self, f'adjust_{key}')(img, amounts[key])
        results['img'] = img
        return results

    # Brightness and contrast map each value alone, so that a look-up table
    # gives the same pixels as mmcv.adjust_brightness and
    # mmcv.adjust_contrast in a tenth of the time.
    @staticmethod
    def adjust_brightness(img: np.ndarray, factor: float) -> np.ndarray:
        """Blend with black."""
        return _blend(img, 0, factor)

    @staticmethod
    def adjust_contrast(img: np.ndarray, factor: float) -> np.ndarray:
        """Blend with the mean grey value."""
        return _blend(img, round(cv2.mean(mmcv.bgr2gray(img))[0]), factor)

    @staticmethod
    def adjust_saturation(img: np.ndarray, factor: float) -> np.ndarray:
        """Blend with the grey image."""
        return mmcv.adjust_color(img, factor, backend='cv2')

    @staticmethod
    def adjust_hue(img: np.ndarray, shift: float) -> np.ndarray:
        """Turn the colour circle.

        mmcv 2.1's ``adjust_hue`` overflows on negative shifts with numpy 2.
        """
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV_FULL)
        hsv[..., 0] += np.uint8(int(shift * 255) % 256)
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)

    __repr__ = show_arguments


def _blend(img: np.ndarray, value: float, factor: float) -> np.ndarray:
    levels = np.arange(256, dtype=np.float32)
    table = cv2.addWeighted(
        levels, factor, np.full_like(levels, value), 1 - factor, 0
    )
    return cv2.LUT(img, np.clip(table, 0, 255).astype(np.uint8))


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """Cut out a random box and scale it back.

    Like torchvision's ``RandomResizedCrop``, with one box for the image
    (bilinear) and its label (nearest), applied with probability ``prob``.
    The area of the box is uniform in ``crop_ratio_range``, its aspect ratio
    log-uniform in ``aspect_ratio_range``. After ten boxes that do not fit,
    the largest central box of an allowed ratio is taken. The defaults are
    the paper's.

    Changes ``img``, ``img_shape`` and every map in ``seg_fields``.

    Args:
        scale (tuple[int], optional): Output size (width, height). Defaults
            to None: the size of the image that comes in.
        crop_ratio_range (tuple[float]): Area of the box as a share of the
            image's. Defaults to (0.8, 1.0).
        aspect_ratio_range (tuple[float]): Width over height of the box.
            Defaults to (1.3, 1.8).
        prob (float): How often it is applied. Defaults to 0.5.

    Raises:
        InputError: An argument is out of range.
    """

    def __init__(
        self,
        scale: tuple[int, int] | None = None,
        crop_ratio_range: tuple[float, float] = (0.8, 1.0),
        aspect_ratio_range: tuple[float, float] = (1.3, 1.8),
        prob: float = 0.5,
    ) -> None:
        name = 'RandomResizedCrop'
        check_size(f'{name}.scale', scale)
        check_interval(f'{name}.crop_ratio_range', crop_ratio_range, 1)
        check_interval(
            f'{name}.aspect_ratio_range', aspect_ratio_range, float('inf')
        )
        check_range(f'{name}.prob', prob, 0, 1)
        self.scale = scale
        self.crop_ratio_range = crop_ratio_range
        self.aspect_ratio_range = aspect_ratio_range
        self.prob = prob

    def sample_box(self, height: int, width: int) -> tuple:
        """Draw a box's top, left, height and width."""
        low, high = self.aspect_ratio_range
        for _ in range(10):
            area = height * width * np.random.uniform(*self.crop_ratio_range)
            ratio = math.exp(np.random.uniform(math.log(low), math.log(high)))
            box_w = round(math.sqrt(area * ratio))
            box_h = round(math.sqrt(area / ratio))
            if 0 < box_w <= width and 0 < box_h <= height:
                top = np.random.randint(height - box_h + 1)
                left = np.random.randint(width - box_w + 1)
                return top, left, box_h, box_w
        box_w = min(width, max(1, round(height * high)))
        box_h = min(height, max(1, round(width / low)))
        return (height - box_h) // 2, (width - box_w) // 2, box_h, box_w

    def transform(self, results: dict) -> dict:
        """Crop the image and its maps."""
        if np.random.rand() >= self.prob:
            return results
        height, width = results['img'].shape[:2]
        top, left, box_h, box_w = self.sample_box(height, width)
        box = np.s_[top : top + box_h, left : left + box_w]
        size = self.scale or (width, height)
        results['img'] = mmcv.imresize(results['img'][box], size)
        results['img_shape'] = results['img'].shape[:2]
        for key in results.get('seg_fields', []):
            # The exact variant has bilinear's pixel centres; the plain one
            # is up to half a pixel off.
            results[key] = cv2.resize(
                results[key][box], size, interpolation=cv2.INTER_NEAREST_EXACT
            )
        return results

    __repr__ = show_arguments
