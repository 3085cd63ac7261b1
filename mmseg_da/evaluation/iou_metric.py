"""mIoU with per-class IoU in the results, accumulated in one pass."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from torch import Tensor

from mmseg_da.registry import METRICS

# Pixels up to which cv2.calcHist, which answers in float32, is exact.
MAX_COUNT = 2**24


@METRICS.register_module()
class IoUMetric(MMSegIoUMetric):
    """MMSegmentation's IoUMetric, returning each class's IoU too.

    Counts are the same integers; they come from one joint histogram of label
    and prediction as bytes in place of three float histograms. They are added
    up in double precision: a sum over images stays exact beyond 2**24 pixels
    of a class, where single precision does not.

    Args:
        kwargs: See :class:`mmseg.evaluation.IoUMetric`.
    """

    @staticmethod
    def intersect_and_union(
        pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Count the pixels of each class.

        Args:
            pred_label (Tensor): Predicted train ids in 0..255, of any type
                and shape.
            label (Tensor): Train ids in 0..255 of the same shape.
            num_classes (int): Number of classes. With more than 256 it is
                left to MMSegmentation.
            ignore_index (int): Label that is left out.

        Returns:
            tuple[Tensor]: Intersection, union, prediction and label counts,
            each float64 ``(num_classes,)`` on the CPU.
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
                [0, 1],
                None,
                [256, 256],
                [0, 256, 0, 256],
            ).astype(np.float64)
            for parts in zip(*(x.split(MAX_COUNT) for x in pair))
        )
        joint[ignore_index] = 0
        intersection, predicted, labelled = (
            torch.from_numpy(counts[:num_classes].copy())
            for counts in (joint.diagonal(), joint.sum(0), joint.sum(1))
        )
        return (
            intersection,
            predicted + labelled - intersection,
            predicted,
            labelled,
        )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Add ``IoU.<class>`` in percent to what MMSegmentation reports.

        A class that is neither labelled nor predicted is left out.
        """
        metrics = super().compute_metrics(results)
        if not self.format_only:
            areas = [sum(areas) for areas in list(zip(*results))[:2]]
            for name, intersection, union in zip(
                self.dataset_meta['classes'], *areas
            ):
                if union > 0:
                    metrics[f'IoU.{name}'] = round(
                        100 * float(intersection / union), 2
                    )
        return metrics
