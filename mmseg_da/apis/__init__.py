"""Functions to use a trained network from Python.

The commands under ``tools/`` do nothing that these functions cannot do.
"""

from mmseg_da.apis.adapt_bn import adapt_bn
from mmseg_da.apis.data import build_test_datasets, mean_iou, read_image
from mmseg_da.apis.inference import (
    Predictor,
    build_segmentor,
    inference,
    init_model,
    init_predictor,
)
from mmseg_da.deploy.export import export

__all__ = [
    'Predictor',
    'adapt_bn',
    'build_segmentor',
    'build_test_datasets',
    'export',
    'inference',
    'init_model',
    'init_predictor',
    'mean_iou',
    'read_image',
]
