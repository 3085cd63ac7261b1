"""Frequencies of the classes of a data set, and weights from them.

Median-frequency balancing of Eigen and Fergus, "Predicting Depth, Surface
Normals and Semantic Labels with a Common Multi-Scale Convolutional
Architecture" (ICCV 2015), section 6.3.2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import PurePath
from typing import Self

import cv2
import numpy as np
from mmcv.transforms import LoadAnnotations
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from rich.progress import track

from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils import explain_build_errors
from mmseg_da.utils.config_tree import find_target_loader

SPLITS = ('train', 'val', 'test', 'target')


@dataclass
class ClassCounts:
    """Sums over the labels of a data set; arrays have an entry per class."""

    pixels: np.ndarray
    #: Number of images in which the class occurs.
    images: np.ndarray
    #: All pixels of these images, including ignored ones.
    image_pixels: np.ndarray
    ignored_pixels: int = 0
    num_images: int = 0
    #: Pixels of each class by the names of the image files.
    files: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def zeros(cls, num_classes: int) -> Self:
        return cls(*np.zeros((3, num_classes), np.int64))

    def add(self, image: str, pixels: np.ndarray, ignored: int) -> None:
        """Add one image's pixels of each class and its ignored pixels."""
        counts = pixels.tolist()
        if self.files.setdefault(image, counts) != counts:
            # Only a sampler that looks images up by their names minds.
            self.files[image] = []
        present = pixels > 0
        self.pixels += pixels
        self.images += present
        self.image_pixels += present * (int(pixels.sum()) + ignored)
        self.ignored_pixels += ignored
        self.num_images += 1


def build_labelled(cfg: Config, split: str = 'train') -> BaseDataset:
    """Build one of a config's data sets for reading its labels.

    Args:
        cfg (Config): Any MMSegmentation config.
        split (str): 'train', 'val', 'test', or 'target', the images that
            a hook adapts to. Defaults to 'train'.

    Returns:
        BaseDataset: The data set.

    Raises:
        InputError: If the config has no such data set.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    if split == 'target':
        _, loader = find_target_loader(cfg) or ('', None)
    else:
        loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise InputError(
            f'{cfg.filename or "The config"} has no {split} data set: choose '
            'another --split, or another config.'
        )
    with explain_build_errors(cfg):
        return DATASETS.build(loader['dataset'])


def count_classes(dataset: BaseDataset, workers: int = 0) -> ClassCounts:
    """Count the pixels of each class over a data set's labels.

    Of the pipeline, only the transforms that load annotations run: images are
    not decoded, and labels are counted at their own size.

    Args:
        dataset (BaseDataset): Any MMSegmentation data set, or a wrapper that
            joins or repeats data sets (a repeated one counts once).
        workers (int): Processes that read labels; 0 means this process.
            Defaults to 0.

    Returns:
        ClassCounts: The sums.

    Raises:
        InputError: If the data set has no labels, or a label holds a value
            that is neither a class nor the ignored value.
    """
    parts = [_Labels(part) for part in _parts(dataset)]
    tasks = [(p, i) for p, part in enumerate(parts) for i in range(len(part))]
    counts = ClassCounts.zeros(len(parts[0].classes))
    progress = dict(description='Counting labels', total=len(tasks))
    if workers < 1:
        _keep(parts)
        for result in track(map(_count, tasks), **progress):
            counts.add(*result)
        return counts
    with Pool(workers, initializer=_keep, initargs=(parts,)) as pool:
        # Large chunks cost less traffic, small ones keep the progress even.
        chunk = max(1, min(16, len(tasks) // (8 * workers)))
        results = pool.imap_unordered(_count, tasks, chunk)
        for result in track(results, **progress):
            counts.add(*result)
    return counts


def median_frequency_weights(
    pixels: Sequence[int], image_pixels: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Class frequencies, and the weights that balance them.

    The frequency of a class is the number of its pixels divided by the number
    of all pixels (including ignored ones) of the images in which it occurs.
    Its weight is the median of the frequencies divided by its own. A class
    that never occurs has frequency 0, does not count in the median, and gets
    the largest weight of the others, so that all weights are positive and
    finite.

    Args:
        pixels (Sequence[int]): Pixels of each class.
        image_pixels (Sequence[int]): For each class, all pixels of the images
            in which it occurs.

    Returns:
        tuple[list[float], list[float]]: Frequencies and weights.

    Raises:
        InputError: If no class occurs.

    Example:
        >>> median_frequency_weights([10, 40, 0], [100, 100, 0])
        ([0.1, 0.4, 0.0], [2.5, 0.625, 2.5])
    """
    pixels, image_pixels = np.asarray(pixels), np.asarray(image_pixels)
    present = pixels > 0
    if not present.any():
        raise InputError(
            'No pixel of the labels has a class, so there is nothing to '
            'weigh: check the label files.'
        )
    frequencies = np.zeros(len(pixels))
    frequencies[present] = pixels[present] / image_pixels[present]
    weights = np.zeros(len(pixels))
    median = np.median(frequencies[present])
    weights[present] = median / frequencies[present]
    weights[~present] = weights.max()
    return frequencies.tolist(), weights.tolist()


def class_statistics(
    cfg: Config, split: str, workers: int = 0, per_file: bool = False
) -> dict:
    """Count one data set of a config: what the tool writes as JSON.

    Args:
        cfg (Config): Any MMSegmentation config.
        split (str): See :func:`build_labelled`.
        workers (int): Processes that read labels. Defaults to 0.
        per_file (bool): Whether to add ``files``, the pixels of each class
            by the names of the image files, which
            :class:`mmseg_da.RareClassSampler` needs. Defaults to False.

    Returns:
        dict: The JSON that the tool writes: ``config``, ``split``,
        ``dataset`` (its type), ``num_images``, ``classes``,
        ``pixel_counts``, ``ignored_pixels``, ``image_counts``,
        ``frequencies`` and ``median_frequency_weights``.

    Raises:
        InputError: If the data set or its labels cannot be used, or, with
            ``per_file``, two different images have one name.
    """
    dataset = build_labelled(cfg, split)
    counts = count_classes(dataset, workers)
    frequencies, weights = median_frequency_weights(
        counts.pixels, counts.image_pixels
    )
    statistics = {
        'config': str(cfg.filename),
        'split': split,
        'dataset': type(dataset).__name__,
        'num_images': counts.num_images,
        'classes': list(dataset.metainfo['classes']),
        'pixel_counts': counts.pixels.tolist(),
        'ignored_pixels': counts.ignored_pixels,
        'image_counts': counts.images.tolist(),
        'frequencies': frequencies,
        'median_frequency_weights': weights,
    }
    if per_file:
        statistics['files'] = dict(sorted(counts.files.items()))
        if twice := [name for name, c in counts.files.items() if not c]:
            raise InputError(
                f'Different images have the name {min(twice)}, by which '
                '--per-file keeps their counts: rename them.'
            )
    return statistics


class _Labels:
    """The labels of one data set."""

    def __init__(self, dataset: BaseDataset) -> None:
        self.dataset = dataset
        self.classes = dataset.metainfo.get('classes') or ()
        self.ignore_index = getattr(dataset, 'ignore_index', 255)
        self.load = [
            transform
            for transform in dataset.pipeline.transforms
            if isinstance(transform, LoadAnnotations)
        ]
        labelled = 'seg_map_path' in dataset.get_data_info(0)
        if not self.load or not labelled or not self.classes:
            raise InputError(
                f'The {type(dataset).__name__} of '
                f'{dataset.data_prefix.get("img_path")} has no labels to '
                'count: give a config that trains or tests on labelled '
                'images (configs/cityscapes/ for Cityscapes train).'
            )

    def __len__(self) -> int:
        return len(self.dataset)

    def count(self, index: int) -> tuple[str, np.ndarray, int]:
        results = self.dataset.get_data_info(index)
        path = results['seg_map_path']
        image = PurePath(results['img_path']).name
        for transform in self.load:
            results = transform(results)
        label = results['gt_seg_map']
        num_classes = len(self.classes)
        counts = _histogram(
            label, max(num_classes, self.ignore_index + 1, 256)
        )
        ignored = int(counts[self.ignore_index])
        counts[self.ignore_index] = 0
        unknown = np.flatnonzero(counts[num_classes:]) + num_classes
        if len(unknown):
            raise InputError(
                f'The label file {path} has the value {unknown[0]}, which is '
                f'neither one of {num_classes} classes nor '
                f'{self.ignore_index} (ignored).'
            )
        return image, counts[:num_classes], ignored


def _histogram(label: np.ndarray, bins: int) -> np.ndarray:
    # calcHist takes a third of np.bincount's time, which would be as long as
    # decoding. Its sums are floats, which are exact up to 2^24.
    if label.dtype == np.uint8 and label.size < 2**24:
        counts = cv2.calcHist([label], [0], None, [bins], [0, bins])
        return counts.ravel().astype(np.int64)
    return np.bincount(label.ravel(), minlength=bins)


def _parts(dataset: BaseDataset) -> Iterator[BaseDataset]:
    """Find the plain data sets inside wrappers."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from _parts(part)
    elif hasattr(dataset, 'dataset'):
        yield from _parts(dataset.dataset)
    else:
        yield dataset


_KEPT: list[_Labels] = []


def _keep(parts: list[_Labels]) -> None:
    """Give the data sets to a worker once instead of with each task."""
    _KEPT[:] = parts


def _count(task: tuple[int, int]) -> tuple[str, np.ndarray, int]:
    part, index = task
    return _KEPT[part].count(index)
