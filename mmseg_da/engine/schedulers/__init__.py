from mmseg_da.engine.schedulers.poly_lr import PolyLR

__all__ = ['PolyLR']
