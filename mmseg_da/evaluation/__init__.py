from mmseg_da.evaluation.iou_metric import IoUMetric

__all__ = ['IoUMetric']
