from .adversarial_hook import AdversarialHook
from .hook import AdaptationHook
from .teachers import EMATeacher
from .terms import AdaptationTerm, AdversarialTerm, ClassMixTerm, EntropyTerm

__all__ = [
    'AdaptationHook',
    'AdaptationTerm',
    'AdversarialHook',
    'AdversarialTerm',
    'ClassMixTerm',
    'EMATeacher',
    'EntropyTerm',
]
