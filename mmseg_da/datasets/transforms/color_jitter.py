import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_da.datasets.transforms._check import check_range, show_arguments
from mmseg_da.registry import TRANSFORMS


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
