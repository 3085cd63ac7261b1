from collections.abc import Callable

import numpy as np
import torch
from mmcv.transforms import LoadAnnotations
from mmengine.config import Config

from mmseg_da.apis.data import build_test_datasets, read_image
from mmseg_da.errors import InputError
from mmseg_da.evaluation import IoUMetric


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
        image = read_image(info['img_path'])
        for transform in dataset.pipeline.transforms:
            if isinstance(transform, LoadAnnotations):
                info = transform(info)
        label = info['gt_seg_map']
        found = predict(image)
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
