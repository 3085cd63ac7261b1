from mmseg_da.adaptation.adversarial_hook import AdversarialHook
from mmseg_da.adaptation.hook import AdaptationHook
from mmseg_da.adaptation.teachers import EMATeacher, FrozenTeacher
from mmseg_da.adaptation.terms import *  # noqa: F403

__all__ = [
    'AdaptationHook',
    'AdversarialHook',
    'EMATeacher',
    'FrozenTeacher',
]
