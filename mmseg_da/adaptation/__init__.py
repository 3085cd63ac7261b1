from .adversarial_hook import AdversarialHook
from .hook import AdaptationHook
from .terms import AdaptationTerm, AdversarialTerm, EntropyTerm

__all__ = [
    'AdaptationHook',
    'AdaptationTerm',
    'AdversarialHook',
    'AdversarialTerm',
    'EntropyTerm',
]
