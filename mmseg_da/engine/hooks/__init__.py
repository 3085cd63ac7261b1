from .adversarial_hook import AdversarialHook
from .checkpoint_hook import CheckpointHook
from .divergence_hook import DivergenceHook

__all__ = ['AdversarialHook', 'CheckpointHook', 'DivergenceHook']
