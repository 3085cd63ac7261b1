import math

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_da.datasets.transforms._check import (
    check_interval,
    check_range,
    check_size,
    show_arguments,
)
from mmseg_da.registry import TRANSFORMS


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
        if scale is not None:
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
