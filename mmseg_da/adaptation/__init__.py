from mmseg_da.adaptation.adversarial_hook import AdversarialHook
from mmseg_da.adaptation.hook import AdaptationHook
from mmseg_da.adaptation.teachers import EMATeacher, FrozenTeacher
from mmseg_da.adaptation.terms import (
    AdaptationTerm,
    AdversarialTerm,
    ClassMixTerm,
    EntropyTerm,
    FourierStyleTerm,
    MaskedConsistencyTerm,
)

__all__ = [
    'AdaptationHook',
    'AdaptationTerm',
    'AdversarialHook',
    'AdversarialTerm',
    'ClassMixTerm',
    'EMATeacher',
    'EntropyTerm',
    'FourierStyleTerm',
    'FrozenTeacher',
    'MaskedConsistencyTerm',
]
