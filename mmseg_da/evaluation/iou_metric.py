from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from torch import Tensor

from mmseg_da.errors import InputError, SizeMismatchError
from mmseg_da.registry import METRICS

# Pixels up to which cv2.calcHist, which answers in float32, is exact.
MAX_COUNT = 2**24


@METRICS.register_module()
class IoUMetric(MMSegIoUMetric):
    """MMSegmentation's IoUMetric, returning each class's IoU too.

    Counts are the same integers. They come from one joint histogram of label
    and prediction, where MMSegmentation makes three of floats, and are added
    up in double precision: a sum over images stays exact beyond 2**24 pixels
    of a class.

    Args:
        class_means (dict[str, Sequence[str]], optional): Further means of
            the IoU: the name of each in the results, such as mIoU_vehicles,
            and the classes that it is over. Defaults to None.
        kwargs: See :class:`mmseg.evaluation.IoUMetric`.
    """

    def __init__(
        self, class_means: Mapping[str, Sequence[str]] | None = None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.class_means = dict(class_means or {})
        for name, classes in self.class_means.items():
            if isinstance(classes, str) or not classes:
                raise InputError(
                    f'IoUMetric.class_means.{name} is {classes!r}, but it '
                    'must be a list of class names.'
                )

    @MMSegIoUMetric.dataset_meta.setter
    def dataset_meta(self, meta: dict) -> None:
        # The evaluator sets it before training starts.
        names = (meta or {}).get('classes') or ()
        for mean, classes in self.class_means.items():
            if unknown := [name for name in classes if name not in names]:
                raise InputError(
                    f'IoUMetric.class_means.{mean} names the class '
                    f'{unknown[0]!r}, but the classes are {", ".join(names)}.'
                )
        self._dataset_meta = meta

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            SizeMismatchError: A label and its prediction differ in size.
        """
        for sample in data_samples:
            if self.format_only:
                break
            label = sample['gt_sem_seg']['data'].squeeze().shape
            predicted = sample['pred_sem_seg']['data'].squeeze().shape
            if label != predicted:
                raise SizeMismatchError(
                    f'The label of {sample.get("img_path", "an image")} is '
                    f'{label[-1]}x{label[0]}, but its prediction is '
                    f'{predicted[-1]}x{predicted[0]}: load labels after the '
                    'resize in the val and test pipelines, or end these with '
                    'mmseg_da.EvaluateAtInputSize.'
                )
        super().process(data_batch, data_samples)

    @staticmethod
    def intersect_and_union(
        pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Count each class's pixels, of train ids in 0..255 of any type.

        As in MMSegmentation, which counts where there are more than 256
        classes. The counts are float64 ``(num_classes,)`` on the CPU.
        """
        if num_classes > 256 or not 0 <= ignore_index < 256:
            return MMSegIoUMetric.intersect_and_union(
                pred_label, label, num_classes, ignore_index
            )
        # Bytes first: fewer to move from a device and to count.
        pair = [x.to(torch.uint8).flatten().cpu() for x in (label, pred_label)]
        joint = sum(
            cv2.calcHist(
                [part.numpy() for part in parts],
                channels=[0, 1],
                mask=None,
                histSize=[256, 256],
                ranges=[0, 256, 0, 256],
            ).astype(np.float64)
            for parts in zip(*(x.split(MAX_COUNT) for x in pair))
        )
        joint[ignore_index] = 0
        intersection, predicted, labelled = (
            torch.from_numpy(counts[:num_classes].copy())
            for counts in (joint.diagonal(), joint.sum(0), joint.sum(1))
        )
        union = predicted + labelled - intersection
        return intersection, union, predicted, labelled

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Add ``IoU.<class>`` and the ``class_means``, in percent.

        A class that is neither labelled nor predicted has no IoU, and no
        part in a mean.
        """
        metrics = super().compute_metrics(results)
        if not self.format_only:
            areas = [sum(areas) for areas in list(zip(*results))[:2]]
            names = self.dataset_meta['classes']
            ious = {
                name: 100 * float(intersection / union)
                for name, intersection, union in zip(names, *areas)
                if union > 0
            }
            for name, iou in ious.items():
                metrics[f'IoU.{name}'] = round(iou, 2)
            for mean, classes in self.class_means.items():
                values = [ious[name] for name in classes if name in ious]
                metrics[mean] = round(float(np.mean(values)), 2)
        return metrics
