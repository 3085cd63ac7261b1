from .adversarial_hook import AdversarialHook
from .config import find_adaptation, find_target_dataloader
from .hook import AdaptationHook
from .terms import AdaptationTerm, AdversarialTerm, EntropyTerm

__all__ = [
    'AdaptationHook',
    'AdaptationTerm',
    'AdversarialHook',
    'AdversarialTerm',
    'EntropyTerm',
    'find_adaptation',
    'find_target_dataloader',
]
