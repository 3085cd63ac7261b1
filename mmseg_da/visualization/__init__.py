from .class_shares import draw_class_shares
from .grid import colorize, draw_grid, save_figure

__all__ = ['colorize', 'draw_class_shares', 'draw_grid', 'save_figure']
