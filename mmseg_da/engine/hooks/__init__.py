from .checkpoint_hook import CheckpointHook
from .divergence_hook import DivergenceHook

__all__ = ['CheckpointHook', 'DivergenceHook']
