"""Draw grids of pictures, like the paper's Figures 2 and 3."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmseg_da.errors import InputError
from mmseg_da.utils.files import atomic_path

# Lengths in inches, for text of FONT_SIZE points.
DPI = 120
FONT_SIZE = 10
LINE = 0.19
GAP = 0.06
MARGIN = 0.12
LEGEND_ENTRY = 1.25


def colorize(
    label: np.ndarray,
    palette: Sequence[Sequence[int]],
    ignore_color: Sequence[int] = (0, 0, 0),
) -> np.ndarray:
    """Paint a label map in its classes' colours.

    Args:
        label (np.ndarray): Class indices, (H, W), integer.
        palette (Sequence[Sequence[int]]): RGB colour of each class, 0..255.
        ignore_color (Sequence[int]): RGB colour of every other index, such
            as 255. Defaults to black.

    Returns:
        np.ndarray: RGB image, (H, W, 3), uint8.
    """
    label = np.asarray(label)
    known = (label >= 0) & (label < len(palette))
    table = np.array([*palette, ignore_color], dtype=np.uint8)
    return table[np.where(known, label, len(palette))]


def draw_grid(
    rows: Sequence[Sequence[np.ndarray | None]],
    column_titles: Sequence[str],
    row_titles: Sequence[str] | None = None,
    classes: Sequence[str] = (),
    palette: Sequence[Sequence[int]] = (),
    out: str | Path = 'grid.png',
    cell_width: int = 480,
) -> Path:
    """Draw rows of pictures with titles and a legend of the class colours.

    The pictures of a row may differ in size. Each is fitted into its cell,
    and the cells have the aspect of the row's first picture.

    Args:
        rows (Sequence[Sequence[np.ndarray | None]]): RGB pictures,
            (H, W, 3), uint8. ``None`` leaves a cell empty.
        column_titles (Sequence[str]): A title for each column.
        row_titles (Sequence[str], optional): A title for each row, written
            upwards at the left. Defaults to None.
        classes (Sequence[str]): Names in the legend. Without names there is
            no legend.
        palette (Sequence[Sequence[int]]): RGB colour of each class, 0..255.
        out (str | Path): Picture to write. The suffix chooses the format,
            and missing folders are made. Defaults to 'grid.png'.
        cell_width (int): Width of a cell in pixels. Defaults to 480.

    Returns:
        Path: ``out``.

    Raises:
        InputError: If the rows do not match the titles.
    """
    _check(rows, column_titles, row_titles, classes, palette)
    cell = cell_width / DPI
    heights = [cell * _aspect(row) for row in rows]
    titles = _wrapped(column_titles, cell)
    title_height = LINE * max(title.count('\n') + 1 for title in titles) + GAP
    left = MARGIN + (LINE + GAP if row_titles else 0)
    columns = len(column_titles)
    width = left + columns * cell + (columns - 1) * GAP + MARGIN
    per_line = max(1, int((width - left - MARGIN) // LEGEND_ENTRY))
    legend_lines = -(-len(classes) // per_line)
    legend_height = legend_lines * (LINE + GAP) + (GAP if classes else 0)
    height = (
        MARGIN
        + title_height
        + sum(heights)
        + GAP * (len(rows) - 1)
        + legend_height
        + MARGIN
    )

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor='white')
    FigureCanvasAgg(figure)
    # Every position below is in inches from the lower left corner.
    for column, title in enumerate(titles):
        figure.text(
            (left + column * (cell + GAP) + cell / 2) / width,
            (height - MARGIN - title_height + GAP) / height,
            title,
            ha='center',
            va='bottom',
            fontsize=FONT_SIZE,
            fontweight='bold',
        )
    bottom = height - MARGIN - title_height
    for index, row in enumerate(rows):
        bottom -= heights[index]
        for column, picture in enumerate(row):
            box = (left + column * (cell + GAP), bottom, cell, heights[index])
            _draw_cell(figure, picture, box, (width, height))
        if row_titles:
            figure.text(
                (MARGIN + LINE / 2) / width,
                (bottom + heights[index] / 2) / height,
                _fit(row_titles[index], int(heights[index] / 0.08)),
                ha='center',
                va='center',
                rotation=90,
                fontsize=FONT_SIZE - 1,
            )
        bottom -= GAP
    if classes:
        _draw_legend(figure, classes, palette, per_line, left, (width, height))
    return save_figure(figure, out)


def _fit(name: str, length: int) -> str:
    """Shorten a name at its front, since paths differ at their ends."""
    return (
        name if len(name) <= length else f'…{name[len(name) - length + 1 :]}'
    )


def save_figure(figure: Figure, out: str | Path) -> Path:
    """Write a figure, so that ``out`` is never half written.

    Args:
        figure (Figure): A matplotlib figure with a canvas.
        out (str | Path): Picture to write. The suffix chooses the format.

    Returns:
        Path: ``out``.

    Raises:
        InputError: If the suffix names no picture format.
    """
    out = Path(out)
    formats = figure.canvas.get_supported_filetypes()
    kind = out.suffix[1:].lower()
    if kind not in formats:
        raise InputError(
            f'{out}: a picture cannot be written as {out.suffix!r}; use one '
            f'of {", ".join("." + name for name in sorted(formats))}'
        )
    with atomic_path(out) as partial:
        figure.savefig(partial, format=kind)
    return out


def _check(rows, column_titles, row_titles, classes, palette) -> None:
    if not rows or not column_titles:
        raise InputError('a grid needs at least one row and one column')
    for index, row in enumerate(rows):
        if len(row) != len(column_titles):
            raise InputError(
                f'row {index} of the grid has {len(row)} pictures for '
                f'{len(column_titles)} column titles'
            )
        if all(picture is None for picture in row):
            raise InputError(f'row {index} of the grid has no picture')
    if row_titles is not None and len(row_titles) != len(rows):
        raise InputError(
            f'the grid has {len(rows)} rows and {len(row_titles)} row titles'
        )
    if len(classes) > len(palette):
        raise InputError(
            f'{len(classes)} classes have only {len(palette)} colours'
        )


def _aspect(row: Sequence[np.ndarray | None]) -> float:
    first = next(picture for picture in row if picture is not None)
    return first.shape[0] / first.shape[1]


def _wrapped(titles: Sequence[str], cell: float) -> list[str]:
    # A bold character of FONT_SIZE takes about 0.09 inch.
    return [textwrap.fill(title, max(8, int(cell / 0.09))) for title in titles]


def _draw_cell(figure, picture, box, size) -> None:
    if picture is None:
        return
    left, bottom, width, height = box
    axes = figure.add_axes(
        (left / size[0], bottom / size[1], width / size[0], height / size[1])
    )
    axes.set_axis_off()
    # Matplotlib aliases when it shrinks a picture, so it is resized here.
    scale = min(
        width * DPI / picture.shape[1], height * DPI / picture.shape[0]
    )
    target = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    axes.imshow(
        cv2.resize(picture, target, interpolation=mode),
        interpolation='nearest',
    )


def _draw_legend(figure, classes, palette, per_line, left, size) -> None:
    width, height = size
    lines = -(-len(classes) // per_line)
    # Spread the entries evenly over the lines.
    per_line = -(-len(classes) // lines)
    step = (width - left - MARGIN) / per_line
    for index, name in enumerate(classes):
        line, column = divmod(index, per_line)
        x = left + column * step
        y = MARGIN + (lines - 1 - line) * (LINE + GAP)
        figure.add_artist(
            Rectangle(
                (x / width, y / height),
                LINE / width,
                LINE / height,
                transform=figure.transFigure,
                facecolor=np.asarray(palette[index]) / 255,
                edgecolor='0.3',
                linewidth=0.5,
            )
        )
        figure.text(
            (x + LINE + GAP) / width,
            (y + LINE / 2) / height,
            name,
            va='center_baseline',
            fontsize=FONT_SIZE - 1,
        )
