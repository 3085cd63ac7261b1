"""Writing tiny images and labels."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 8, 16
PIPELINE = [
    {'type': 'mmseg_da.LoadImage'},
    {'type': 'mmseg_da.LoadTrainIds'},
    {'type': 'PackSegInputs'},
]


def write_image(path: Path, value: int = 100, size=(WIDTH, HEIGHT)) -> None:
    """A noisy image, so that cutting the file cuts pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(value)
    img = noise.integers(0, 256, (size[1], size[0], 3), np.uint8)
    cv2.imwrite(str(path), img)


def write_label(
    path: Path, ids=7, mode: str = 'L', size=(WIDTH, HEIGHT)
) -> None:
    """A label PNG of one id, or of the given array, grey or palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.broadcast_to(np.asarray(ids, np.uint8), (size[1], size[0]))
    image = Image.fromarray(np.ascontiguousarray(array))
    if mode == 'P':
        image.putpalette([c for i in range(256) for c in (i, 255 - i, 3)])
    image.save(path)
