"""mIoU of a predictor, whatever runs its network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from mmcv.transforms import LoadAnnotations
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..errors import InputError
from ..registry import DATASETS
from .images import read_image

Predict = Callable[[np.ndarray], np.ndarray]


def mean_iou(
    predict: Predict, cfg: Config, progress=lambda samples: samples
) -> float:
    """Score class maps on the full-size labels of a config's test data.

    Args:
        predict (Callable): BGR image to class map of its size.
        cfg (Config): Its ``test_dataloader`` says what is evaluated.
        progress (Callable): Wraps the iteration over indices.

    Returns:
        float: Mean over the classes that occur, in percent.

    Raises:
        InputError: If there are no labelled test data, or a label is not of
            its image's size.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if not loader:
        raise InputError(
            f'{cfg.filename} has no test_dataloader to evaluate on.'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(loader['dataset'])
    load_label = [
        transform
        for transform in dataset.pipeline.transforms
        if isinstance(transform, LoadAnnotations)
    ]
    count = len(dataset.metainfo['classes'])
    confusion = torch.zeros(count * count, dtype=torch.int64)
    for index in progress(range(len(dataset))):
        info = dataset.get_data_info(index)
        info.setdefault('seg_fields', [])
        for transform in load_label:
            info = transform(info)
        label = torch.from_numpy(np.asarray(info['gt_seg_map'])).long()
        found = torch.from_numpy(predict(read_image(info['img_path']))).long()
        if label.shape != found.shape:
            raise InputError(
                f'{info["seg_map_path"]} is {tuple(label.shape)} and its '
                f'image {tuple(found.shape)}: they must have one size.'
            )
        valid = label < count
        confusion += torch.bincount(
            label[valid] * count + found[valid], minlength=count * count
        )
    confusion = confusion.reshape(count, count).double()
    hits = confusion.diagonal()
    union = confusion.sum(0) + confusion.sum(1) - hits
    return 100 * (hits / union)[union > 0].mean().item()
