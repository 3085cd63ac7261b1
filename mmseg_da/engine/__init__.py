from mmseg_da.engine.bfloat16_optim_wrapper import BFloat16OptimWrapper
from mmseg_da.engine.hooks import *  # noqa: F403
from mmseg_da.engine.schedulers import *  # noqa: F403
from mmseg_da.engine.visualizer import SegLocalVisualizer

__all__ = ['BFloat16OptimWrapper', 'SegLocalVisualizer']
