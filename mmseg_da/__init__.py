"""Real-time domain adaptive semantic segmentation for MMSegmentation."""

__version__ = '0.2.0'
