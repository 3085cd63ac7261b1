"""Writes demo images in GTA5's and Cityscapes' file layouts.

``gta5/images/00001.png`` and ``gta5/labels/00001.png`` (palette PNG), and
``cityscapes/leftImg8bit/SPLIT/CITY/CITY_000000_000019_leftImg8bit.png`` with
``gtFine/SPLIT/CITY/CITY_000000_000019_gtFine_labelIds.png``. The split
``train`` has no labels; ``train_labelled`` is for the oracle.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_parallel_progress, track_progress
from PIL import Image

from mmseg_da.errors import InputError
from street_renderer.domains import SOURCE, TARGET
from street_renderer.labels import label_palette
from street_renderer.render import render
from street_renderer.world import sample_scene

#: Raised when the same parameters give other pictures.
RENDERER_VERSION = 3

_MANIFEST, _STARTED = 'demo_data.json', 'demo_data.started.json'
_SPLITS = ('source', 'train', 'train_labelled', 'val')
_CITIES = {
    'train': ('ahrenfurt', 'birkstadt', 'clausbruck', 'dornheim'),
    'train_labelled': ('eschenau', 'fahrenbach', 'goldingen'),
    'val': ('hohenlind', 'isenburg'),
}


@dataclass(frozen=True)
class DemoSpec:
    """Numbers of images to render, and the seed.

    Args:
        num_source (int): Labelled source images. Defaults to 200.
        num_target (int): Unlabelled target images. Defaults to 200.
        num_labelled (int): Labelled target images for the oracle. Defaults
            to 200.
        num_val (int): Labelled target images to evaluate on. Defaults to 50.
        seed (int): Defaults to 0.
    """

    num_source: int = 200
    num_target: int = 200
    num_labelled: int = 200
    num_val: int = 50
    seed: int = 0

    def counts(self) -> dict[str, int]:
        """Return the number of images of each split."""
        numbers = (
            self.num_source,
            self.num_target,
            self.num_labelled,
            self.num_val,
        )
        return dict(zip(_SPLITS, numbers))

    def manifest(self) -> dict:
        """Return the values that identify the written data."""
        return {'renderer_version': RENDERER_VERSION, **asdict(self)}


def draw(seed: int, split: str, index: int, size=None):
    """Render one image, the same whenever and wherever it is asked for.

    Args:
        seed (int): The data set's seed.
        split (str): 'source', 'train', 'train_labelled' or 'val'.
        index (int): Number of the image, from 0.
        size (tuple, optional): (width, height). Defaults to the camera's.

    Returns:
        tuple[np.ndarray, np.ndarray]: RGB image, uint8 (H, W, 3), and label
        ids, uint8 (H, W).
    """
    rng = np.random.default_rng([seed, _SPLITS.index(split), index])
    domain = SOURCE if split == 'source' else TARGET
    scene, x = sample_scene(domain, rng)
    return render(scene, x, domain, rng, size)


def paths(split: str, index: int) -> tuple[str, str | None]:
    """Return the image's and the label's path below the output folder."""
    if split == 'source':
        name = f'{index + 1:05d}.png'
        return f'gta5/images/{name}', f'gta5/labels/{name}'
    cities = _CITIES[split]
    city = cities[index % len(cities)]
    stem = f'{split}/{city}/{city}_{index // len(cities):06d}_000019'
    image = f'cityscapes/leftImg8bit/{stem}_leftImg8bit.png'
    if split == 'train':
        return image, None
    return image, f'cityscapes/gtFine/{stem}_gtFine_labelIds.png'


def _save(picture: Image.Image, path: Path) -> None:
    """Write a PNG whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    picture.save(part, format='PNG', compress_level=2)
    os.replace(part, path)


def _write_one(task: tuple) -> None:
    out, seed, split, index = task
    image_path, label_path = paths(split, index)
    wanted = [out / p for p in (image_path, label_path) if p]
    if all(path.exists() for path in wanted):
        return
    cv2.setNumThreads(0)  # One process per core is faster.
    image, label = draw(seed, split, index)
    if label_path:
        picture = Image.fromarray(label)
        if split == 'source':
            picture.putpalette(label_palette().tobytes())
        _save(picture, out / label_path)
    _save(Image.fromarray(image), out / image_path)


def _read_manifest(path: Path) -> dict | None:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError:
        return {}


def _claim(out: Path, manifest: dict) -> bool:
    """Check that ``out`` may be written; return whether it is complete."""
    if out.exists() and not out.is_dir():
        raise InputError(f'{out} is a file, not a folder: pass another --out.')
    done = _read_manifest(out / _MANIFEST)
    if done == manifest:
        return True
    started = _read_manifest(out / _STARTED)
    if done is None and started == manifest:
        return False
    if out.exists() and any(out.iterdir()):
        found = done if done is not None else started
        what = (
            'something else'
            if found is None
            else f'demo data of other parameters ({found})'
        )
        raise InputError(
            f'{out} already holds {what}, and demo data of {manifest} was '
            f'asked for: pass another --out or delete {out}.'
        )
    return False


def _write_json(path: Path, content: dict) -> None:
    part = path.with_name(f'.{path.name}.part')
    part.write_text(json.dumps(content, indent=2) + '\n')
    os.replace(part, path)


def write_demo_data(out, spec: DemoSpec, workers: int = 1) -> bool:
    """Write the demo data, or what is missing of it, into a folder.

    Args:
        out (str | Path): A new or empty folder, or one that an earlier call
            with the same ``spec`` has filled in full or in part.
        spec (DemoSpec): Numbers of images, and the seed.
        workers (int): Number of processes. Defaults to 1.

    Returns:
        bool: False if everything was there already.

    Raises:
        InputError: If the folder holds anything else.
    """
    negative = [k for k, v in asdict(spec).items() if v < 0]
    if negative or workers < 1:
        name = negative[0] if negative else 'workers'
        raise InputError(
            f'--{name.replace("_", "-")} is too small: counts and the seed '
            'start at 0, workers at 1.'
        )
    out = Path(out)
    manifest = spec.manifest()
    if _claim(out, manifest):
        return False
    out.mkdir(parents=True, exist_ok=True)
    _write_json(out / _STARTED, manifest)
    tasks = [
        (out, spec.seed, split, index)
        for split, count in spec.counts().items()
        for index in range(count)
    ]
    if workers == 1:
        track_progress(_write_one, tasks)
    else:
        track_parallel_progress(_write_one, tasks, workers, chunksize=4)
    _write_json(out / _MANIFEST, manifest)
    (out / _STARTED).unlink()
    return True
