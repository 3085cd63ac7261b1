"""The fast way from an image to its class map, and to other runtimes."""

from mmseg_da.deploy.class_map import class_map
from mmseg_da.deploy.predictor import Predictor
from mmseg_da.deploy.segmentor import FastSegmentor, fast_network, fuse

__all__ = ['FastSegmentor', 'Predictor', 'class_map', 'fast_network', 'fuse']
