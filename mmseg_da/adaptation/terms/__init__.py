from mmseg_da.adaptation.terms.adversarial import AdversarialTerm
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.adaptation.terms.class_mix import ClassMixTerm
from mmseg_da.adaptation.terms.entropy import EntropyTerm
from mmseg_da.adaptation.terms.fourier_style import FourierStyleTerm
from mmseg_da.adaptation.terms.masked_consistency import MaskedConsistencyTerm

__all__ = [
    'AdaptationTerm',
    'AdversarialTerm',
    'ClassMixTerm',
    'EntropyTerm',
    'FourierStyleTerm',
    'MaskedConsistencyTerm',
]
