"""Images of a config's data, a folder or a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..errors import InputError
from ..registry import DATASETS

IMAGES = '.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp'
VIDEOS = '.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v'


def list_images(folder: str | Path) -> list[Path]:
    """Image files of a folder, at any depth, sorted.

    Raises:
        InputError: If there is none.
    """
    found = sorted(
        path
        for path in Path(folder).rglob('*')
        if path.suffix.lower() in IMAGES and path.is_file()
    )
    if not found:
        raise InputError(
            f'{folder} holds no image ({", ".join(IMAGES)}): give a folder '
            'with images.'
        )
    return found


def read_image(path: str | Path) -> np.ndarray:
    """Read an image as BGR, uint8.

    Raises:
        InputError: If the file is missing, unreadable or no image.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'The image {path} does not exist.')
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'The image {path} cannot be read ({error}).') from (
            error
        )
    image = cv2.imdecode(
        np.frombuffer(data or b'\0', np.uint8), cv2.IMREAD_COLOR
    )
    if image is None:
        raise InputError(
            f'{path} is no image that can be decoded, or a damaged one.'
        )
    return image


def training_images(cfg: Config, count: int) -> list[Path]:
    """Images that a config trains on, evenly spaced, for calibration.

    Those of the target domain if there is one; never those that the config
    is evaluated on.

    Raises:
        InputError: If the config trains on none, or they are not there.
    """
    loader = cfg.get('train_dataloader')
    for hook in (cfg.get('default_hooks') or {}).values():
        loader = (hook or {}).get('target_dataloader', loader)
    if not loader:
        raise InputError(
            f'{cfg.filename} has no train_dataloader, whose images would '
            'calibrate int8: give --calibration a folder of images.'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(loader['dataset'])
    step = max(1, len(dataset) // count)
    return [
        Path(dataset.get_data_info(index)['img_path'])
        for index in range(0, len(dataset), step)[:count]
    ]


class Frames:
    """An image, a folder of images, or a video, as named images.

    Args:
        path (str | Path): File or folder.

    Raises:
        InputError: If it is none of these.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.path, self.files, self.video = path, None, None
        if path.is_dir():
            self.files = list_images(path)
        elif not path.is_file():
            raise InputError(f'The input {path} does not exist.')
        elif path.suffix.lower() in VIDEOS:
            self.video = cv2.VideoCapture(str(path))
            if not self.video.isOpened():
                raise InputError(f'{path} is no video that can be decoded.')
        else:
            self.files = [path]

    def __len__(self) -> int:
        """Number of images; of a video, what its header says."""
        if self.files is not None:
            return len(self.files)
        return max(0, int(self.video.get(cv2.CAP_PROP_FRAME_COUNT)))

    @property
    def fps(self) -> Optional[float]:
        """Frames per second of a video."""
        if self.video is None:
            return None
        return self.video.get(cv2.CAP_PROP_FPS) or 25.0

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name, relative and without suffix, and the BGR image."""
        if self.files is not None:
            base = self.path if self.path.is_dir() else self.path.parent
            names = [f.relative_to(base).with_suffix('') for f in self.files]
            # Files that differ in their suffix only keep it.
            for file, name in zip(self.files, names):
                if names.count(name) > 1:
                    name = file.relative_to(base)
                yield name.as_posix(), read_image(file)
            return
        index = 0
        while True:
            read, frame = self.video.read()
            if not read:
                break
            yield f'{self.path.stem}_{index:06d}', frame
            index += 1
        if not index:
            raise InputError(f'{self.path} has no frame that can be decoded.')
