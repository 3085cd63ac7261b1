from .adversarial_hook import AdversarialHook
from .checkpoint_hook import CheckpointHook

__all__ = ['AdversarialHook', 'CheckpointHook']
