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


def cityscapes_palette() -> list[tuple[int, int, int]]:
    """The colours of Cityscapes' label ids, as GTA5's files have them."""
    void = (0, 0, 0)
    colours = [void] * 256
    colours[4:7] = (20, 20, 20), (111, 74, 0), (81, 0, 81)
    colours[7:14] = (
        *((128, 64, 128), (244, 35, 232), (250, 170, 160), (230, 150, 140)),
        *((70, 70, 70), (102, 102, 156), (190, 153, 153)),
    )
    colours[14:24] = (
        *((180, 165, 180), (150, 100, 100), (150, 120, 90), (153, 153, 153)),
        *((153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35)),
        *((152, 251, 152), (70, 130, 180)),
    )
    colours[24:35] = (
        *((220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100)),
        *((0, 0, 90), (0, 0, 110), (0, 80, 100), (0, 0, 230), (119, 11, 32)),
        (0, 0, 142),
    )
    return colours
