from .poly_lr import PolyLR

__all__ = ['PolyLR']
