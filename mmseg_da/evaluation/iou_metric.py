"""mIoU with per-class IoU in the results, accumulated in one pass."""

from __future__ import annotations

import torch
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from torch import Tensor

from mmseg_da.registry import METRICS


@METRICS.register_module()
class IoUMetric(MMSegIoUMetric):
    """MMSegmentation's IoUMetric, returning each class's IoU too.

    Counts are the same integers; they come from one joint histogram of label
    and prediction in place of four float histograms.

    Args:
        kwargs: See :class:`mmseg.evaluation.IoUMetric`.
    """

    @staticmethod
    def intersect_and_union(
        pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Count the pixels of each class.

        Args:
            pred_label (Tensor): Predicted train ids, any integer type and
                shape.
            label (Tensor): Train ids of the same shape.
            num_classes (int): Number of classes.
            ignore_index (int): Label that is left out.

        Returns:
            tuple[Tensor]: Intersection, union, prediction and label counts,
            each float64 ``(num_classes,)`` on the CPU.
        """
        # Whatever is no class lands in a last row, which is dropped.
        codes = label.long().clamp(max=num_classes) * num_classes
        codes += pred_label.long()
        joint = torch.bincount(
            codes.flatten(), minlength=(num_classes + 1) * num_classes
        )
        joint = joint.view(num_classes + 1, num_classes)[:num_classes]
        if ignore_index < num_classes:
            joint[ignore_index] = 0
        joint = joint.double().cpu()
        intersection = joint.diagonal().clone()
        predicted, labelled = joint.sum(dim=0), joint.sum(dim=1)
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
