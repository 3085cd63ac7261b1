"""Draw images beside their labels and the predictions of several models.

    python tools/analysis/qualitative.py \\
        --images data/cityscapes/leftImg8bit/val/frankfurt/*_000294_*.png \\
        --models configs/source_only/bisenet_jitter_gta2cs.py a.pth Source \\
        --models configs/da/bisenet_adv_gta2cs.py b.pth Adapted \\
        --out figure3.png --html compare.html
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from analysis.comparison_page import write_page
from analysis.predictions import compare_models, draw_predictions
from launch.cli import add_device, command_parser, one_sentence_errors
from mmseg_da.errors import InputError


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
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
        help='picture to write; default: grid.png, or none with --html',
    )
    parser.add_argument(
        '--html',
        help='page to write: one file in which a reader flips or slides '
        'between input and predictions, filters by class and sorts',
    )
    add_device(parser)
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
    comparison = compare_models(args.images, models, args.labels, args.device)
    if args.html:
        print(f'Wrote {write_page(comparison, args.html)}')
    out = args.out or (None if args.html else 'grid.png')
    if out:
        print(f'Wrote {draw_predictions(comparison, out, args.cell_width)}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
