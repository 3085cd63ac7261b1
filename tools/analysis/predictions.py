"""What models see in images: the paper's Figures 2 and 3."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mmcv
import numpy as np
from mmcv.transforms import LoadAnnotations
from mmengine.dataset import BaseDataset
from rich.progress import track

from analysis.grid import colorize, draw_grid
from mmseg_da.apis import build_test_datasets, inference, init_model
from mmseg_da.datasets import FolderDataset
from mmseg_da.datasets.listing import (
    IMAGE_SUFFIXES,
    strip_suffix,
    walk_files,
)
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

ModelSpec = tuple[str, 'str | Path', str]


def find_label(
    image: str | Path, dataset: BaseDataset, folder: str | Path | None = None
) -> Path | None:
    """Find the label of an image by its data set's layout.

    Args:
        image (str | Path): Image file.
        dataset (BaseDataset): Its layout says how images and labels are
            named, and where the labels lie.
        folder (str | Path, optional): Folder to search for the label
            instead, at any depth. Defaults to None.

    Returns:
        Path | None: The label file, or None if there is none.

    Raises:
        InputError: If several files of ``folder`` could be it.
    """
    image = Path(image).absolute()
    stem = strip_suffix(image.name, dataset.img_suffix or IMAGE_SUFFIXES)
    if stem is None:
        return None
    name = stem + (dataset.seg_map_suffix or '.png')
    if folder is not None:
        return _find_in(Path(folder), name, image)
    recorded = recorded_labels(dataset).get(image.resolve())
    if recorded is not None:
        return recorded
    if not dataset.data_prefix.get('seg_map_path'):
        return None
    # The image may be of another split, which is laid out alike.
    root = dataset.data_root or ''
    prefixes = (
        Path(
            os.path.relpath(dataset.data_prefix.get(key) or root, root or '.')
        )
        for key in ('img_path', 'seg_map_path')
    )
    images, labels = (prefix.as_posix() for prefix in prefixes)
    before, found, after = image.parent.as_posix().rpartition(f'/{images}')
    label = Path(f'{before}/{labels}{after}') / name
    return label if found and label.is_file() else None


def _find_in(folder: Path, name: str, image: Path) -> Path | None:
    """The file of a name whose subfolders are the image's."""

    def shared(path: Path) -> int:
        upwards = [p.parts[-2::-1] for p in (path.absolute(), image)]
        return len(os.path.commonprefix(upwards))

    found = [folder / path for path in sorted(walk_files(str(folder)))]
    found = [p for p in found if p.name == name and p.is_file()]
    found = [path for path in found if not path.samefile(image)]
    best = max(map(shared, found), default=0)
    found = [path for path in found if shared(path) == best]
    if len(found) > 1:
        raise InputError(
            f'{found[0]} and {found[1]} could both be the label of {image}: '
            'give --labels the folder of one of them.'
        )
    return found[0] if found else None


@lru_cache(maxsize=8)
def recorded_labels(dataset: BaseDataset) -> dict[Path, Path]:
    """Read which label the data set itself has for each image.

    Args:
        dataset (BaseDataset): Not necessarily initialised.

    Returns:
        dict[Path, Path]: Label files that exist, by their images' real
        paths; none if the data are not there.
    """
    try:
        if isinstance(dataset, FolderDataset):
            samples, _ = dataset.find_samples()
        else:
            samples = dataset.load_data_list()
    except (InputError, OSError):
        return {}
    labels = {
        Path(sample['img_path']).resolve(): Path(sample['seg_map_path'])
        for sample in samples
        if sample.get('seg_map_path')
    }
    return {image: path for image, path in labels.items() if path.is_file()}


def load_label(path: str | Path, dataset: BaseDataset) -> np.ndarray:
    """Load a label file as the data set does.

    Args:
        path (str | Path): Label file.
        dataset (BaseDataset): Its pipeline's transforms load it.

    Returns:
        np.ndarray: Class indices, (H, W).

    Raises:
        InputError: If the data set's pipeline loads no labels, or the file
            cannot be used.
    """
    results = {
        'seg_map_path': str(path),
        'seg_fields': [],
        'label_map': dataset.label_map,
        'reduce_zero_label': dataset.reduce_zero_label,
    }
    # Stock data sets have none, and their labels are read as in training.
    if hasattr(dataset, 'label_encoding'):
        results['label_encoding'] = dataset.label_encoding
    for transform in dataset.pipeline.transforms:
        if isinstance(transform, LoadAnnotations):
            results = transform(results)
    if 'gt_seg_map' not in results:
        raise InputError(
            f'The label {path} cannot be drawn, since the test pipeline of '
            'the first config loads no labels.'
        )
    return results['gt_seg_map']


@dataclass
class Comparison:
    """Images with their labels and what several models predict for them.

    Attributes:
        names (list[str]): The images' names, without suffix.
        images (list[np.ndarray]): RGB, ``(H, W, 3)``, uint8.
        labels (list[np.ndarray | None]): Class indices ``(H, W)``, or None
            for an image without a label.
        predictions (dict[str, list[np.ndarray]]): Class indices ``(H, W)``
            of each image, by the models' titles.
        classes (Sequence[str]): Their names.
        palette (Sequence[Sequence[int]]): RGB colour of each class, 0..255.
    """

    names: list[str]
    images: list[np.ndarray]
    labels: list[np.ndarray | None]
    predictions: dict[str, list[np.ndarray]]
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]


def compare_models(
    images: Sequence[str | Path],
    models: Sequence[ModelSpec],
    labels: str | Path | None = None,
    device: str = 'auto',
) -> Comparison:
    """Predict images with several models, and find their labels.

    Args:
        images (Sequence[str | Path]): Image files.
        models (Sequence[ModelSpec]): Config, checkpoint and title of each
            model. All have the same classes. The test data set of the first
            config says how labels are found and loaded.
        labels (str | Path, optional): Folder of the labels. Defaults to
            None: where the data set has them.
        device (str): Defaults to 'auto'.

    Raises:
        InputError: If an image, label, config or checkpoint cannot be used,
            two models have one title, or the models have different classes.
    """
    if not images or not models:
        raise InputError(
            'There is nothing to draw: give an image and a model.'
        )
    titles = [title for _, _, title in models]
    for title in titles:
        if titles.count(title) > 1:
            raise InputError(
                f'Two models have the title {title!r}: give each --models a '
                'TITLE of its own.'
            )
    configs = [load_config(config) for config, _, _ in models]
    datasets = [build_test_datasets(cfg, lazy=True) for cfg in configs]
    classes, palette = _common_classes([d[0] for d in datasets], models)
    predictions = {}
    for cfg, (_, checkpoint, title) in zip(configs, models):
        model = init_model(cfg, checkpoint, device)
        described = track(images, description=f'Predicting: {title}')
        predictions[title] = [inference(model, image) for image in described]
    suffix = datasets[0][0].img_suffix or IMAGE_SUFFIXES
    names = [Path(image).name for image in images]
    return Comparison(
        names=[strip_suffix(name, suffix) or name for name in names],
        images=[
            mmcv.imread(str(image), channel_order='rgb') for image in images
        ],
        labels=[_ground_truth(image, datasets[0], labels) for image in images],
        predictions=predictions,
        classes=classes,
        palette=palette,
    )


def draw_predictions(
    comparison: Comparison, out: str | Path, cell_width: int = 480
) -> Path:
    """Draw a comparison as one picture, a row for each image.

    Args:
        comparison (Comparison): What :func:`compare_models` returns. Without
            any label there is no column for labels.
        out (str | Path): Where the picture is written.
        cell_width (int): Width of a column in pixels. Defaults to 480.

    Returns:
        Path: ``out``.
    """
    maps = dict(comparison.predictions)
    if any(label is not None for label in comparison.labels):
        maps = {'Ground truth': comparison.labels, **maps}
    rows = [
        [
            image,
            *(
                None if cell is None else colorize(cell, comparison.palette)
                for cell in cells
            ),
        ]
        for image, cells in zip(comparison.images, zip(*maps.values()))
    ]
    return draw_grid(
        rows,
        ['Input', *maps],
        comparison.names,
        comparison.classes,
        comparison.palette,
        out,
        cell_width,
    )


def _common_classes(
    datasets: Sequence[BaseDataset], models: Sequence[ModelSpec]
) -> tuple[Sequence[str], Sequence[Sequence[int]]]:
    """Names and colours of the classes, which all models have to share."""
    found = []
    for dataset, (config, _, _) in zip(datasets, models):
        meta = dataset.metainfo
        if not meta.get('classes'):
            raise InputError(
                f'The test data set of {config} names no classes: set its '
                'metainfo to dict(classes=[...], palette=[...]).'
            )
        found.append([list(meta['classes']), list(map(list, meta['palette']))])
        if found[-1] != found[0]:
            raise InputError(
                f'{config} has other classes or colours '
                f'({len(found[-1][0])} classes) than {models[0][0]} '
                f'({len(found[0][0])}): draw models of different classes in '
                'pictures of their own.'
            )
    return found[0]


def _ground_truth(
    image: str | Path,
    datasets: Sequence[BaseDataset],
    folder: str | Path | None,
) -> np.ndarray | None:
    for dataset in datasets:
        path = find_label(image, dataset, folder)
        if path is not None:
            return load_label(path, dataset)
    return None
