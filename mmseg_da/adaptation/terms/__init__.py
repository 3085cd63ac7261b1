from .adversarial import AdversarialTerm
from .base import AdaptationTerm
from .class_mix import ClassMixTerm
from .entropy import EntropyTerm
from .fourier_style import FourierStyleTerm
from .masked_consistency import MaskedConsistencyTerm

__all__ = [
    'AdaptationTerm',
    'AdversarialTerm',
    'ClassMixTerm',
    'EntropyTerm',
    'FourierStyleTerm',
    'MaskedConsistencyTerm',
]
