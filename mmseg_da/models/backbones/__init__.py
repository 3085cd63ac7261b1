from .bisenet import BiSeNet

__all__ = ['BiSeNet']
