"""Draws the pictures of the report."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from analysis.class_shares import draw_class_shares
from analysis.grid import save_figure
from analysis.predictions import compare_models, draw_predictions
from mmseg_da.errors import InputError
from mmseg_da.utils.files import read_statistics
from reproduction.collect import best_checkpoint
from reproduction.run import statistics_file
from reproduction.suites import Suite

#: Figures 2 and 3: the title, and the rows with the titles of their columns.
GRIDS = {
    'figure2': (
        'Figure 2: trained on the target itself',
        {
            'deeplabv2_ce_cityscapes': 'DeepLabV2-R101',
            'bisenet_ce_cityscapes': 'BiSeNet-R18',
        },
    ),
    'figure3': (
        'Figure 3: from source only to adapted',
        {
            'bisenet_none_gta2cs': 'Source only',
            'bisenet_jitter_gta2cs': '+ colour jitter',
            'bisenet_adv_gta2cs': '+ adversarial',
            'bisenet_adv_focal_gta2cs': '+ focal loss',
        },
    ),
}
NUM_IMAGES = 3


def draw_curves(
    curves: Mapping[str, Mapping[str, Sequence]], out: Path
) -> Path | None:
    """Draw the losses and the mIoU of rows over their iterations.

    Args:
        curves (Mapping): ``loss`` and ``mIoU`` by the row's label, both
            pairs of iteration and value.
        out (Path): File of the picture.

    Returns:
        Path | None: ``out``, or None if there is nothing to draw.
    """
    curves = {name: c for name, c in curves.items() if c['loss'] or c['mIoU']}
    if not curves:
        return None
    figure = Figure(figsize=(10, 3.8), dpi=110, layout='constrained')
    titles = {'loss': 'training loss (sum of all heads)', 'mIoU': 'mIoU in %'}
    for axes, (key, title) in zip(figure.subplots(1, 2), titles.items()):
        for index, (name, curve) in enumerate(curves.items()):
            if curve[key]:
                axes.plot(
                    *zip(*curve[key]),
                    # Few validations are drawn as points.
                    marker='o' if len(curve[key]) < 20 else None,
                    markersize=4,
                    color=f'C{index}',
                    # A legend leaves out labels that start with _.
                    label=f'\u200b{name}',
                )
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel('iteration')
        axes.set_title(title, fontsize=10)
        axes.grid(color='0.9')
        axes.spines[['top', 'right']].set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=3)
    return save_figure(figure, out)


def draw_figure1(suite: Suite, out: Path) -> Path | None:
    """Draw the class shares of both data sets, if they were counted."""
    files = [statistics_file(suite, name) for name in ('gta5', 'cityscapes')]
    if not all(path.is_file() for path in files):
        return None
    names = ['Source (GTA5)', 'Target (Cityscapes)']
    if suite.name == 'demo':
        names = ['Source (rendered game)', 'Target (rendered camera)']
    return draw_class_shares([read_statistics(f) for f in files], names, out)


def draw_grid_of(
    rows: Mapping[str, str], suite: Suite, runs: Path, out: Path
) -> Path | None:
    """Draw val images, labels and the predictions of the rows that ran.

    Args:
        rows (Mapping[str, str]): Titles of the columns by row name.
        suite (Suite): The suite whose data is drawn.
        runs (Path): Folder of the work dirs.
        out (Path): File of the picture.

    Returns:
        Path | None: ``out``, or None if no row has run.
    """
    folder = statistics_file(suite, 'cityscapes').parent / 'leftImg8bit/val'
    images = sorted(folder.rglob('*_leftImg8bit.png'))
    models = []
    for name, title in rows.items():
        checkpoint = best_checkpoint(runs / name)
        if checkpoint is not None:
            # The runner keeps the config, as it was run, in the work dir.
            config = runs / name / f'{name}.py'
            models.append((str(config), checkpoint, title))
    if not models or not images:
        return None
    step = max(1, len(images) // NUM_IMAGES)
    chosen = images[step // 2 :: step][:NUM_IMAGES]
    comparison = compare_models(chosen, models)
    return draw_predictions(comparison, out, cell_width=400)


def draw_all(
    tables: Sequence[dict], suite: Suite, runs: Path, folder: Path
) -> list[dict]:
    """Draw every picture of the report that has something to show.

    Args:
        tables (Sequence[dict]): The report's tables with their results.
        suite (Suite): The suite.
        runs (Path): Folder of the work dirs.
        folder (Path): Folder for the pictures.

    Returns:
        list[dict]: ``key`` (of the table, for its curves), ``title``, and
        ``file``, which is None if drawing failed; ``error`` says why.
    """
    jobs = [
        (
            'figure1',
            "Figure 1: each class's share of the pixels",
            partial(draw_figure1, suite),
        )
    ]
    for key, (title, names) in GRIDS.items():
        jobs.append(
            (
                key,
                title,
                lambda out, n=names: draw_grid_of(n, suite, runs, out),
            )
        )
    for table in tables:
        curves = {
            row['label']: row['results'][suite.name]['curves']
            for row in table['rows']
        }
        title = f'{table["title"]}: training'
        jobs.append((table['key'], title, partial(draw_curves, curves)))
    figures = []
    for key, title, draw in jobs:
        path, error = None, None
        try:
            path = draw(folder / f'{key}.png')
        except InputError as problem:
            error = str(problem)
        if path is not None or error:
            figures.append(
                dict(
                    key=key, title=title, file=path and path.name, error=error
                )
            )
    return figures
