from mmseg_da.engine.adapt_bn_hook import AdaptBNHook
from mmseg_da.engine.adaptation_visualization_hook import (
    AdaptationVisualizationHook,
)
from mmseg_da.engine.checkpoint_hook import CheckpointHook
from mmseg_da.engine.divergence_hook import DivergenceHook
from mmseg_da.engine.poly_lr import PolyLR
from mmseg_da.engine.training_speed import (
    BFloat16OptimWrapper,
    ChannelsLastHook,
)
from mmseg_da.engine.visualizer import SegLocalVisualizer

__all__ = [
    'AdaptBNHook',
    'AdaptationVisualizationHook',
    'BFloat16OptimWrapper',
    'ChannelsLastHook',
    'CheckpointHook',
    'DivergenceHook',
    'PolyLR',
    'SegLocalVisualizer',
]
