from .adversarial import AdversarialTerm
from .base import AdaptationTerm
from .class_mix import ClassMixTerm
from .entropy import EntropyTerm

__all__ = ['AdaptationTerm', 'AdversarialTerm', 'ClassMixTerm', 'EntropyTerm']
