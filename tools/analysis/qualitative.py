"""Draw images beside their labels and the predictions of several models.

    python tools/analysis/qualitative.py \\
        --images data/cityscapes/leftImg8bit/val/frankfurt/*_000294_*.png \\
        --models configs/source_only/bisenet_jitter_gta2cs.py a.pth Source \\
        --models configs/da/bisenet_adv_gta2cs.py b.pth Adapted \\
        --out figure3.png
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmcv.transforms import LoadAnnotations
from mmengine.dataset import BaseDataset
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[1]))
from analysis.grid import colorize, draw_grid
from launch.cli import one_sentence_errors
from mmseg_da.apis import build_test_datasets, inference, init_model
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config

ModelSpec = tuple[str, str | Path, str]


def find_label(
    image: str | Path, dataset: BaseDataset, folder: str | Path | None = None
) -> Path | None:
    """Find the label of an image by its data set's layout.

    Args:
        image (str | Path): Image file.
        dataset (BaseDataset): Its layout says how images and labels are
            named, and where the labels lie.
        folder (str | Path, optional): Folder to search for the label
            instead, at any depth. Defaults to None.

    Returns:
        Path | None: The label file, or None if there is none.
    """
    image = Path(image).absolute()
    if not image.name.endswith(dataset.img_suffix):
        return None
    stem = image.name.removesuffix(dataset.img_suffix)
    name = stem + dataset.seg_map_suffix
    if folder is not None:
        return next(iter(sorted(Path(folder).rglob(name))), None)
    root = dataset.data_root or ''
    prefixes = (
        Path(
            os.path.relpath(dataset.data_prefix.get(key) or root, root or '.')
        )
        for key in ('img_path', 'seg_map_path')
    )
    images, labels = (prefix.as_posix() for prefix in prefixes)
    before, found, after = image.parent.as_posix().rpartition(f'/{images}')
    label = Path(f'{before}/{labels}{after}') / name
    return label if found and label.is_file() else None


def load_label(path: str | Path, dataset: BaseDataset) -> np.ndarray:
    """Load a label file as the data set does.

    Args:
        path (str | Path): Label file.
        dataset (BaseDataset): Its pipeline's transforms load it.

    Returns:
        np.ndarray: Class indices, (H, W).

    Raises:
        InputError: If the data set's pipeline loads no labels, or the file
            cannot be used.
    """
    results = {
        'seg_map_path': str(path),
        'seg_fields': [],
        'label_map': dataset.label_map,
        'reduce_zero_label': dataset.reduce_zero_label,
        'label_encoding': getattr(dataset, 'label_encoding', None),
    }
    for transform in dataset.pipeline.transforms:
        if isinstance(transform, LoadAnnotations):
            results = transform(results)
    if 'gt_seg_map' not in results:
        raise InputError(
            f'The label {path} cannot be drawn, since the test pipeline of '
            'the first config loads no labels.'
        )
    return results['gt_seg_map']


def draw_predictions(
    images: Sequence[str | Path],
    models: Sequence[ModelSpec],
    out: str | Path,
    labels: str | Path | None = None,
    device: str = 'auto',
    cell_width: int = 480,
) -> Path:
    """Draw images beside their labels and what models predict for them.

    Args:
        images (Sequence[str | Path]): Image files, a row each.
        models (Sequence[ModelSpec]): Config, checkpoint and title of each
            model, a column each. All have the same classes. The test data
            set of the first config says how labels are found and loaded.
        out (str | Path): Where the picture is written.
        labels (str | Path, optional): Folder of the labels. Defaults to
            None: where the data set's layout has them. Without any label
            there is no column for them.
        device (str): Defaults to 'auto'.
        cell_width (int): Width of a picture in pixels. Defaults to 480.

    Returns:
        Path: ``out``.

    Raises:
        InputError: If an image, label, config or checkpoint cannot be used,
            or the models have different classes.
    """
    if not images or not models:
        raise InputError('The grid needs at least one image and one model.')
    configs = [load_config(config) for config, _, _ in models]
    datasets = [build_test_datasets(cfg, lazy=True) for cfg in configs]
    classes, palette = _common_classes([d[0] for d in datasets], models)
    columns = []
    for cfg, (_, checkpoint, title) in zip(configs, models):
        model = init_model(cfg, checkpoint, device)
        described = track(images, description=f'Predicting: {title}')
        columns.append([inference(model, image) for image in described])
    titles = ['Input', *(title for _, _, title in models)]
    found = [_ground_truth(image, datasets[0], labels) for image in images]
    if any(label is not None for label in found):
        titles.insert(1, 'Ground truth')
        columns.insert(0, found)
    rows = [
        [
            mmcv.imread(str(image), channel_order='rgb'),
            *(None if c is None else colorize(c, palette) for c in cells),
        ]
        for image, cells in zip(images, zip(*columns))
    ]
    suffix = datasets[0][0].img_suffix
    names = [Path(image).name.removesuffix(suffix) for image in images]
    return draw_grid(rows, titles, names, classes, palette, out, cell_width)


def _common_classes(
    datasets: Sequence[BaseDataset], models: Sequence[ModelSpec]
) -> tuple[Sequence[str], Sequence[Sequence[int]]]:
    """Names and colours of the classes, which all models have to share."""
    found = []
    for dataset, (config, _, _) in zip(datasets, models):
        meta = dataset.metainfo
        if not meta.get('classes'):
            raise InputError(
                f'The test data set of {config} names no classes: set its '
                'metainfo to dict(classes=[...], palette=[...]).'
            )
        found.append([list(meta['classes']), list(map(list, meta['palette']))])
        if found[-1] != found[0]:
            raise InputError(
                f'{config} has other classes or colours '
                f'({len(found[-1][0])} classes) than {models[0][0]} '
                f'({len(found[0][0])}): draw models of different classes in '
                'pictures of their own.'
            )
    return found[0]


def _ground_truth(
    image: str | Path,
    datasets: Sequence[BaseDataset],
    folder: str | Path | None,
) -> np.ndarray | None:
    for dataset in datasets:
        path = find_label(image, dataset, folder)
        if path is not None:
            return load_label(path, dataset)
    return None


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--images', nargs='+', required=True, help='image files, a row each'
    )
    parser.add_argument(
        '--models',
        nargs='+',
        action='append',
        required=True,
        metavar=('CONFIG CHECKPOINT', 'TITLE'),
        help='a model, which becomes a column; repeat --models for more; '
        'default of TITLE: the name of the config',
    )
    parser.add_argument(
        '--labels',
        help='folder of the labels; default: the folder that the first '
        "config's test data set names",
    )
    parser.add_argument(
        '--out',
        default='grid.png',
        help='picture to write; default: grid.png',
    )
    parser.add_argument(
        '--device',
        default='auto',
        help='cpu, cuda, cuda:1, ...; default: CUDA if there is any',
    )
    parser.add_argument(
        '--cell-width',
        type=int,
        default=480,
        help='width of each column in pixels; default: 480',
    )
    return parser.parse_args(argv)


def model_spec(words: Sequence[str]) -> tuple[str, str, str]:
    """Read config, checkpoint and title of one ``--models``."""
    if len(words) not in (2, 3):
        raise InputError(
            f'--models has {len(words)} words ({" ".join(words)}): give '
            'CONFIG CHECKPOINT or CONFIG CHECKPOINT TITLE.'
        )
    config, checkpoint, *title = words
    return config, checkpoint, title[0] if title else Path(config).stem


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    models = [model_spec(words) for words in args.models]
    # Checked here, before models are loaded, which takes long.
    missing = [image for image in args.images if not Path(image).is_file()]
    if missing:
        raise InputError(f'The image {missing[0]} does not exist.')
    if args.labels and not Path(args.labels).is_dir():
        raise InputError(f'The folder of labels {args.labels} does not exist.')
    out = draw_predictions(
        args.images,
        models,
        args.out,
        args.labels,
        args.device,
        args.cell_width,
    )
    print(f'Wrote {out}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
