"""The fast way from an image to its class map, and to other runtimes."""

from .class_map import class_map
from .fuse import fast_network, fuse
from .predictor import Predictor
from .segmentor import FastSegmentor

__all__ = [
    'FastSegmentor',
    'Predictor',
    'class_map',
    'fast_network',
    'fuse',
]
