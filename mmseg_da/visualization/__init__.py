from .class_shares import draw_class_shares
from .grid import colorize, draw_grid, save_figure
from .local_visualizer import SegLocalVisualizer

__all__ = [
    'SegLocalVisualizer',
    'colorize',
    'draw_class_shares',
    'draw_grid',
    'save_figure',
]
