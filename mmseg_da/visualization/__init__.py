from .grid import colorize, draw_grid, save_figure

__all__ = ['colorize', 'draw_grid', 'save_figure']
