"""The fast way from an image to its class map, and to other runtimes."""

from .class_map import class_map
from .fast_test_hook import FastTestHook
from .fuse import fast_network, fuse
from .predictor import Predictor
from .segmentor import FastSegmentor

__all__ = [
    'FastSegmentor',
    'FastTestHook',
    'Predictor',
    'class_map',
    'fast_network',
    'fuse',
]
