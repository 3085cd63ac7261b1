from mmseg_da.engine.hooks import *  # noqa: F403
from mmseg_da.engine.schedulers import *  # noqa: F403
from mmseg_da.engine.visualizer import SegLocalVisualizer

__all__ = ['SegLocalVisualizer']
