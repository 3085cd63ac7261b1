from mmseg_da.engine.hooks.adaptation_visualization_hook import (
    AdaptationVisualizationHook,
)
from mmseg_da.engine.hooks.checkpoint_hook import CheckpointHook
from mmseg_da.engine.hooks.divergence_hook import DivergenceHook

__all__ = ['AdaptationVisualizationHook', 'CheckpointHook', 'DivergenceHook']
