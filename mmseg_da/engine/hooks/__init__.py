from mmseg_da.engine.hooks.adapt_bn_hook import AdaptBNHook
from mmseg_da.engine.hooks.adaptation_visualization_hook import (
    AdaptationVisualizationHook,
)
from mmseg_da.engine.hooks.channels_last_hook import ChannelsLastHook
from mmseg_da.engine.hooks.checkpoint_hook import CheckpointHook
from mmseg_da.engine.hooks.divergence_hook import DivergenceHook

__all__ = [
    'AdaptBNHook',
    'AdaptationVisualizationHook',
    'ChannelsLastHook',
    'CheckpointHook',
    'DivergenceHook',
]
