"""Draw grids of pictures, like the paper's Figures 2 and 3."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mmseg_da.errors import InputError
from mmseg_da.utils.files import atomic_path

DPI = 120
# Between pictures, and of an entry of the legend, in pixels.
GAP = 7
LEGEND_ENTRY = 150
# Around the whole, in inches.
MARGIN = 0.12


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
    heights = [max(1, round(cell_width * _aspect(row))) for row in rows]
    tops = np.cumsum([0, *heights[:-1]]) + GAP * np.arange(len(rows))
    lefts = (cell_width + GAP) * np.arange(len(column_titles))
    size = tops[-1] + heights[-1], lefts[-1] + cell_width, 3
    canvas = np.full(size, 255, np.uint8)
    for top, height, row in zip(tops, heights, rows):
        for left, picture in zip(lefts, row):
            if picture is not None:
                _paste(
                    picture, canvas[top : top + height][:, left:], cell_width
                )

    figure = Figure(figsize=(size[1] / DPI, size[0] / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    # A pixel of the canvas is one of the figure. Titles and legend lie around
    # the axes, and the figure grows by them when it is saved.
    axes = figure.add_axes((0, 0, 1, 1), frame_on=False)
    axes.imshow(canvas, interpolation='nearest')
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    # A bold character takes about 11 pixels.
    wrapped = [
        textwrap.fill(t, max(8, cell_width // 11)) for t in column_titles
    ]
    axes.set_xticks(lefts + cell_width / 2, wrapped, fontweight='bold')
    names = [
        _fit(name, height // 10)
        for name, height in zip(row_titles or (), heights)
    ]
    middles = (tops + np.array(heights) / 2)[: len(names)]
    axes.set_yticks(middles, names, rotation=90, va='center')
    if classes:
        axes.legend(
            handles=[
                Patch(facecolor=np.asarray(colour) / 255, label=name)
                for name, colour in zip(classes, palette)
            ],
            loc='upper center',
            bbox_to_anchor=(0.5, 0),
            ncols=max(1, size[1] // LEGEND_ENTRY),
            frameon=False,
        )
    return save_figure(figure, out, bbox_inches='tight', pad_inches=MARGIN)


def _fit(name: str, length: int) -> str:
    """Shorten a name at its front, since paths differ at their ends."""
    return (
        name if len(name) <= length else f'…{name[len(name) - length + 1 :]}'
    )


def save_figure(figure: Figure, out: str | Path, **options) -> Path:
    """Write a figure, so that ``out`` is never half written.

    Args:
        figure (Figure): A matplotlib figure with a canvas.
        out (str | Path): Picture to write. The suffix chooses the format.
        options: See ``Figure.savefig``.

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
        figure.savefig(partial, format=kind, **options)
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


def _paste(picture: np.ndarray, cell: np.ndarray, width: int) -> None:
    """Fit a picture into the middle of a cell."""
    # Matplotlib aliases when it shrinks a picture, so it is resized here.
    scale = min(width / picture.shape[1], len(cell) / picture.shape[0])
    columns, lines = (max(1, round(n * scale)) for n in picture.shape[1::-1])
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    top, left = (len(cell) - lines) // 2, (width - columns) // 2
    cell[top : top + lines, left : left + columns] = cv2.resize(
        picture, (columns, lines), interpolation=mode
    )
