from .adversarial import AdversarialTerm
from .base import AdaptationTerm
from .entropy import EntropyTerm

__all__ = ['AdaptationTerm', 'AdversarialTerm', 'EntropyTerm']
