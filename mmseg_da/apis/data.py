"""Read images, and the data sets that a config is tested on."""

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import LoadAnnotations
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmseg.models import BaseSegmentor

from mmseg_da.datasets.transforms import (
    EvaluateAtInputSize,
    LoadImage,
    ResizeToScale,
)
from mmseg_da.errors import InputError
from mmseg_da.evaluation import IoUMetric
from mmseg_da.registry import DATASETS, TRANSFORMS
from mmseg_da.utils import explain_build_errors
from mmseg_da.utils.config_tree import single_datasets


def build_test_datasets(cfg: Config, lazy: bool = False) -> list[BaseDataset]:
    """Build the data sets that a config is tested on.

    Its ``test_dataloader``, else its ``val_dataloader``, names them: one, or
    the parts of a ConcatDataset.

    Args:
        cfg (Config): The config.
        lazy (bool): Whether files are left alone, where only the classes and
            the layout matter. Defaults to False.

    Raises:
        InputError: If the config has no test data, or they cannot be built.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with explain_build_errors(cfg):
        return [
            DATASETS.build({**dataset, 'lazy_init': lazy})
            for _, dataset in _test_datasets(cfg)
        ]


def image_pipeline(cfg: Config) -> list[dict]:
    """Derive a single image's pipeline from the test data set's.

    The image's size is said once, with the data set. Steps that load or
    compare labels are left out. ``mmseg.apis.inference_model`` takes it.

    Raises:
        InputError: If the config has no test data, or joins data sets that
            prepare images in different ways.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    (key, pipeline), *others = [
        (key, _image_steps(key, dataset))
        for key, dataset in _test_datasets(cfg)
    ]
    for other, steps in others:
        if steps != pipeline:
            raise InputError(
                f'{key} and {other} prepare images in different ways, so '
                'that it is not known how to prepare a single image: give '
                'both the same pipeline and img_scale.'
            )
    return pipeline


def dataset_meta(cfg: Config, model: BaseSegmentor) -> dict:
    """Read the classes and the palette of a config's test data set.

    Raises:
        InputError: If the data set names no classes, or another number than
            the model predicts.
    """
    meta = build_test_datasets(cfg, lazy=True)[0].metainfo
    key = _test_datasets(cfg)[0][0]
    classes = meta.get('classes')
    if not classes:
        raise InputError(
            f'{key} names no classes: set its metainfo to '
            'dict(classes=[...], palette=[...]).'
        )
    predicted = getattr(model, 'num_classes', len(classes))
    if len(classes) != predicted:
        raise InputError(
            f'{key} has {len(classes)} classes and the model predicts '
            f'{predicted}: name the classes of the model with '
            f'{key}.metainfo.classes.'
        )
    return meta


def read_image(path: str | Path) -> np.ndarray:
    """Read an image as BGR, uint8.

    Raises:
        InputError: If the file is missing, unreadable, truncated or no image.
    """
    return LoadImage()({'img_path': str(path)})['img']


def mean_iou(
    predict: Callable[[np.ndarray], np.ndarray],
    cfg: Config,
    progress: Callable = list,
) -> float:
    """Score class maps on the full-size labels of a config's test data.

    Args:
        predict (Callable): Takes a BGR image and returns the class map of
            its size, for example a :class:`~mmseg_da.deploy.Predictor`.
        cfg (Config): Its ``test_dataloader`` names the images and labels.
        progress (Callable): Wraps the list of samples to show how far it
            is, like ``rich.progress.track``. Defaults to showing nothing.

    Returns:
        float: mIoU in percent over the classes that occur.

    Raises:
        InputError: If there are no labelled test data, or a label has
            another size than its image.
    """
    datasets = build_test_datasets(cfg)
    count = len(datasets[0].metainfo['classes'])
    samples = [(one, index) for one in datasets for index in range(len(one))]
    areas = torch.zeros(2, count, dtype=torch.float64)
    for dataset, index in progress(samples):
        info = dataset.get_data_info(index)
        for transform in dataset.pipeline.transforms:
            if isinstance(transform, LoadAnnotations):
                info = transform(info)
        if 'gt_seg_map' not in info:
            raise InputError(
                f'{info["img_path"]} has no label to compare with: give a '
                'config whose test data are labelled.'
            )
        label = info['gt_seg_map']
        found = predict(read_image(info['img_path']))
        if label.shape != found.shape:
            raise InputError(
                f'{info["seg_map_path"]} is {label.shape} and its image '
                f'{found.shape}: they must have one size.'
            )
        pair = torch.from_numpy(found), torch.from_numpy(np.asarray(label))
        counts = IoUMetric.intersect_and_union(
            *pair, count, dataset.ignore_index
        )
        areas += torch.stack(counts[:2])
    hits, union = areas
    return 100 * (hits / union)[union > 0].mean().item()


def _test_datasets(cfg: Config) -> list[tuple[str, dict]]:
    for key in ('test_dataloader', 'val_dataloader'):
        dataset = (cfg.get(key) or {}).get('dataset')
        if found := list(single_datasets(dataset, f'{key}.dataset')):
            return found
    raise InputError(
        f'{cfg.filename or "The config"} has no test_dataloader, which says '
        'what classes there are and how an image is prepared: give a config '
        'that can be tested.'
    )


def _image_steps(key: str, dataset: dict) -> list[dict]:
    for_labels = LoadAnnotations, EvaluateAtInputSize
    steps = []
    for step in dataset.get('pipeline') or ():
        kind = step['type']
        kind = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
        if inspect.isclass(kind) and issubclass(kind, for_labels):
            continue
        if kind is ResizeToScale:
            scale = dataset.get('img_scale')
            if scale is None:
                raise InputError(
                    f'{key} has ResizeToScale in its pipeline and no '
                    'img_scale: set it to (width, height).'
                )
            step = dict(type='Resize', scale=tuple(scale))
        steps.append(dict(step))
    return steps
