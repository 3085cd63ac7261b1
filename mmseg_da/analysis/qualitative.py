"""What models see in images: the paper's Figures 2 and 3."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmcv.transforms import Compose, LoadAnnotations
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from rich.progress import track

from ..errors import InputError
from ..registry import DATASETS
from ..utils.checkpoint import load_weights
from ..utils.config import load_config
from ..visualization import colorize, draw_grid
from .latency import pick_device
from .models import build_segmentor

ModelSpec = tuple[str, 'str | Path', str]


class Predictor:
    """A segmentor that takes image files, by its config's test pipeline.

    Args:
        cfg (Config): The config that the checkpoint was trained with.
        checkpoint (str | Path): Weights, see
            :func:`mmseg_da.utils.checkpoint.load_weights`.
        device (str): 'auto', 'cpu', 'cuda:0', ... Defaults to 'auto'.
    """

    def __init__(
        self, cfg: Config, checkpoint: str | Path, device: str = 'auto'
    ) -> None:
        self.model = build_segmentor(cfg)
        load_weights(self.model, checkpoint)
        self.model.to(pick_device(device))
        self.dataset = test_dataset(cfg)
        self.load = Compose(
            [
                transform
                for transform in self.dataset.pipeline.transforms
                if not isinstance(transform, LoadAnnotations)
            ]
        )

    @torch.inference_mode()
    def __call__(self, image: str | Path) -> np.ndarray:
        """Predict the class of each pixel.

        Args:
            image (str | Path): Image file.

        Returns:
            np.ndarray: Class indices, (H, W), at the size that the config
            evaluates at.
        """
        results = {'img_path': str(image), 'seg_fields': []}
        scale = getattr(self.dataset, 'img_scale', None)
        if scale is not None:
            results['img_scale'] = results['scale'] = tuple(scale)
        batch = pseudo_collate([self.load(results)])
        prediction = self.model.test_step(batch)[0].pred_sem_seg.data
        return prediction[0].cpu().numpy()


def test_dataset(cfg: Config) -> BaseDataset:
    """Build a config's test data set without looking at its files.

    Raises:
        InputError: If the config has none.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if not loader:
        raise InputError(
            f'{cfg.filename} has no test_dataloader, whose pipeline says how '
            'an image is loaded: give a config that can be tested.'
        )
    return DATASETS.build({**loader['dataset'], 'lazy_init': True})


def find_label(
    image: str | Path, dataset: BaseDataset, folder: str | Path | None = None
) -> Path | None:
    """Find the label of an image by its data set's layout.

    Args:
        image (str | Path): Image file.
        dataset (BaseDataset): Says how images and labels are named, and
            where labels lie beside images.
        folder (str | Path, optional): Where labels lie instead, at any
            depth. Defaults to None.

    Returns:
        Path | None: The label file, or None if there is none.
    """
    image = Path(image).absolute()
    if not image.name.endswith(dataset.img_suffix):
        return None
    stem = image.name.removesuffix(dataset.img_suffix)
    name = stem + dataset.seg_map_suffix
    if folder is not None:
        return next(iter(sorted(Path(folder).rglob(name))), None)
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
        'label_encoding': getattr(dataset, 'label_encoding', None),
    }
    for transform in dataset.pipeline.transforms:
        if isinstance(transform, LoadAnnotations):
            results = transform(results)
    if 'gt_seg_map' not in results:
        raise InputError(
            f'The label {path} cannot be drawn, since the test pipeline of '
            'the first config loads no labels.'
        )
    return results['gt_seg_map']


def draw_predictions(
    images: Sequence[str | Path],
    models: Sequence[ModelSpec],
    out: str | Path,
    labels: str | Path | None = None,
    device: str = 'auto',
    cell_width: int = 480,
) -> Path:
    """Draw images beside their labels and what models predict for them.

    Args:
        images (Sequence[str | Path]): Image files, a row each.
        models (Sequence[ModelSpec]): Config, checkpoint and title of each
            model, a column each. The first config says how labels are found
            and loaded, and names and colours of the classes.
        out (str | Path): Where the picture is written.
        labels (str | Path, optional): Folder of the labels. Defaults to
            None: they are looked for where the data set's layout has them.
            Without any label there is no such column.
        device (str): Defaults to 'auto'.
        cell_width (int): Width of a picture in pixels. Defaults to 480.

    Returns:
        Path: ``out``.

    Raises:
        InputError: If an image, label, config or checkpoint cannot be used.
    """
    if not images or not models:
        raise InputError('The grid needs at least one image and one model.')
    dataset, columns = None, []
    for config, checkpoint, title in models:
        predictor = Predictor(load_config(config), checkpoint, device)
        # Not `or`: the length of a lazy data set reads its files.
        dataset = predictor.dataset if dataset is None else dataset
        columns.append(
            [
                predictor(image)
                for image in track(images, description=f'Predicting: {title}')
            ]
        )
    classes, palette = (dataset.metainfo[k] for k in ('classes', 'palette'))
    found = [find_label(image, dataset, labels) for image in images]
    titles = ['Input', *(title for _, _, title in models)]
    if any(found):
        titles.insert(1, 'Ground truth')
        columns.insert(
            0, [path and load_label(path, dataset) for path in found]
        )
    rows = [
        [
            mmcv.imread(str(image), channel_order='rgb'),
            *(None if c is None else colorize(c, palette) for c in cells),
        ]
        for image, cells in zip(images, zip(*columns))
    ]
    names = [
        Path(image).name.removesuffix(dataset.img_suffix) for image in images
    ]
    return draw_grid(rows, titles, names, classes, palette, out, cell_width)
