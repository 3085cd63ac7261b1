"""Functions to use a trained network from Python.

The commands under ``tools/`` do nothing that these functions cannot do.
"""

from .adapt_bn import adapt_bn
from .data import build_test_datasets
from .export import export
from .inference import Predictor, inference, init_predictor
from .mean_iou import mean_iou
from .model import build_segmentor, init_model
from .pseudo_label import class_thresholds, predict_confidence, pseudo_label

__all__ = [
    'Predictor',
    'adapt_bn',
    'build_segmentor',
    'build_test_datasets',
    'class_thresholds',
    'export',
    'inference',
    'init_model',
    'init_predictor',
    'mean_iou',
    'predict_confidence',
    'pseudo_label',
]
