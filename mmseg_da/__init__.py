"""Real-time domain adaptive semantic segmentation for MMSegmentation."""

from mmseg_da.quiet import silence_imports

__version__ = '0.2.0'

# Here, before any module of the package imports MMSegmentation.
silence_imports()
