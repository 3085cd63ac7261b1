"""Figure 1 of the paper: each class's share of the pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.grid import save_figure
from mmseg_da.errors import InputError


def draw_class_shares(
    statistics: Sequence[dict],
    names: Sequence[str],
    out: str | Path,
    log: bool = True,
) -> Path:
    """Draw each class's share of the pixels, data sets side by side.

    Args:
        statistics (Sequence[dict]): For each data set the result of
            :func:`analysis.class_counts.class_statistics`. All have the same
            classes.
        names (Sequence[str]): A name for each data set.
        out (str | Path): Where the picture is written.
        log (bool): Whether the axis is logarithmic. In street scenes shares
            span four orders of magnitude. Defaults to True.

    Returns:
        Path: ``out``.

    Raises:
        InputError: If the data sets have different classes.
    """
    classes = statistics[0]['classes']
    for one, name in zip(statistics, names):
        if one['classes'] != classes:
            raise InputError(
                f'{name} has other classes ({len(one["classes"])}) than '
                f'{names[0]} ({len(classes)}): only data sets of the same '
                'classes can be drawn side by side.'
            )
    figure = Figure(figsize=(10, 4.5), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    width = 0.8 / len(statistics)
    for index, (one, name) in enumerate(zip(statistics, names)):
        counts = np.array(one['pixel_counts'], dtype=float)
        axes.bar(
            np.arange(len(classes)) + (index + 0.5) * width - 0.4,
            100 * counts / counts.sum(),
            width,
            label=f'{name} ({one["num_images"]:,} images)',
            zorder=2,
        )
    axes.set_xticks(np.arange(len(classes)), classes, rotation=40, ha='right')
    axes.set_xlim(-0.6, len(classes) - 0.4)
    if log:
        axes.set_yscale('log')
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f'{y:g} %'))
    axes.set_ylabel('share of the labelled pixels')
    axes.grid(axis='y', color='0.88', zorder=0)
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(frameon=False)
    return save_figure(figure, out)
