from .adversarial_hook import AdversarialHook

__all__ = ['AdversarialHook']
