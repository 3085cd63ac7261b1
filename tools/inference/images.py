"""Read the images of a folder, a video or a config's training data, and
write class maps."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_da.apis import read_image
from mmseg_da.datasets.listing import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    walk_files,
)
from mmseg_da.datasets.transforms import LoadImage
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils.config_tree import find_target_loader
from mmseg_da.utils.files import atomic_path

# Folders of --out that tools write to.
OUT_FOLDERS = 'overlay', 'train_ids', 'confidence'
# What tools/pseudo_label.py notes in --out.
RECORD = 'pseudo_labels.json'


def list_images(folder: str | Path) -> list[Path]:
    """List a folder's image files, at any depth, sorted.

    As in training, links to subfolders are followed, and hidden files and
    folders, such as the ``._a.png`` that macOS writes, are left out.

    Raises:
        InputError: If there is no image, or no folder.
    """
    if not Path(folder).is_dir():
        raise InputError(f'{folder} is no folder: give one with images.')
    found = sorted(
        Path(folder, path)
        for path in walk_files(str(folder))
        if path.lower().endswith(IMAGE_SUFFIXES)
    )
    if not found:
        raise InputError(
            f'{folder} holds no image ({", ".join(IMAGE_SUFFIXES)}): give a '
            'folder with images.'
        )
    return found


def training_samples(cfg: Config, count: int) -> list[dict]:
    """Choose images that a config trains on, evenly spaced, to calibrate.

    They are the target domain's if there is a target, and never those that
    the config is evaluated on.

    Args:
        cfg (Config): The config.
        count (int): The number of images.

    Returns:
        list[dict]: For :func:`read_sample`.

    Raises:
        InputError: If the config trains on no images, or they are missing.
    """
    _, loader = find_target_loader(cfg) or (
        'train_dataloader',
        cfg.get('train_dataloader'),
    )
    if not loader:
        raise InputError(
            f'{cfg.filename} has no train_dataloader, whose images would '
            'calibrate int8: give --calibration a folder of images.'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(loader['dataset'])
    step = max(1, len(dataset) // count)
    indices = range(0, len(dataset), step)[:count]
    return [dataset.get_data_info(index) for index in indices]


def read_sample(sample: dict) -> np.ndarray:
    """Read a data set's image, or frame of a video, as BGR of uint8."""
    return LoadImage()(dict(sample))['img']


def check_out(out: str | Path, source: str | Path) -> None:
    """Refuse to write pictures where the next run would read them.

    Args:
        out (str | Path): Folder to write to.
        source (str | Path): Folder or file that is read.

    Raises:
        InputError: If ``out`` lies in ``source``, or ``source`` in a folder
            of ``out`` that is written to.
    """
    folder, inside = Path(out).resolve(), Path(source).resolve()
    for name in OUT_FOLDERS:
        if inside.is_relative_to(folder / name):
            raise InputError(
                f'The input {inside} lies in {folder / name}, where --out '
                f'{out} writes: give another --out.'
            )
    if folder.is_relative_to(inside):
        raise InputError(
            f'--out {out} is inside the input folder {inside}, so that the '
            'next run would segment the pictures of this one: give a folder '
            'outside it.'
        )


def pad_palette(palette: Sequence[Sequence[int]]) -> bytes:
    """Fill a palette up to 256 entries, with a colour of no class.

    Readers would take 255 for a class of the same colour. Pillow writes fewer
    bits for a short palette, and 255 would become another value.
    """
    known = {tuple(map(int, colour)) for colour in palette}
    greys = ((v, v, v) for v in (0, *range(255, 0, -1)))
    rest = next(grey for grey in greys if grey not in known)
    colours = np.full((256, 3), rest, np.uint8)
    colours[: len(palette)] = palette
    return colours.tobytes()


def write_train_ids(
    path: Path, ids: np.ndarray, palette: Sequence[Sequence[int]]
) -> None:
    """Write a class map as a PNG of train ids in the classes' colours.

    Args:
        path (Path): The PNG.
        ids (np.ndarray): ``(H, W)`` of uint8.
        palette (Sequence): RGB of each class.
    """
    picture = Image.fromarray(ids)
    picture.putpalette(pad_palette(palette))
    with atomic_path(path) as partial:
        picture.save(partial, format='png')


class Frames:
    """The named images of an image file, a folder or a video.

    Args:
        path (str | Path): File or folder.

    Raises:
        InputError: If there is no such file or folder, or it holds no image.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.path, self.files, self.video = path, None, None
        if path.is_dir():
            self.files = list_images(path)
        elif not path.is_file():
            raise InputError(f'The input {path} does not exist.')
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            self.video = cv2.VideoCapture(str(path))
            if not self.video.isOpened():
                raise InputError(f'{path} is no video that can be decoded.')
        else:
            self.files = [path]

    def __len__(self) -> int:
        """Number of images; for a video, the number in its header."""
        if self.files is not None:
            return len(self.files)
        return max(0, int(self.video.get(cv2.CAP_PROP_FRAME_COUNT)))

    @property
    def fps(self) -> float | None:
        """Frames per second of a video, else None."""
        if self.video is None:
            return None
        return self.video.get(cv2.CAP_PROP_FPS) or 25.0

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each image's name, relative and without suffix, and BGR."""
        if self.files is None:
            yield from self._video_frames()
            return
        base = self.path if self.path.is_dir() else self.path.parent
        paths = [file.relative_to(base) for file in self.files]
        stems = [path.with_suffix('') for path in paths]
        # Files that differ in their suffix only would share a name. Beside
        # a.jpg and a.png, so would a.png.png.
        uses = Counter([*paths, *stems])
        for file, path, stem in zip(self.files, paths, stems):
            name = stem if uses[stem] == 1 else path
            yield name.as_posix(), read_image(file)

    def _video_frames(self) -> Iterator[tuple[str, np.ndarray]]:
        index = 0
        while True:
            read, frame = self.video.read()
            if not read:
                break
            yield f'{self.path.stem}_{index:06d}', frame
            index += 1
        if not index:
            raise InputError(f'{self.path} has no frame that can be decoded.')
