"""Draw images beside their labels and the predictions of any models.

python tools/analysis/qualitative.py \
    --images data/cityscapes/leftImg8bit/val/frankfurt/*_000294_*.png \
    --models CONFIG CHECKPOINT 'Source only' \
    --models CONFIG CHECKPOINT Adapted --out figure3.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.analysis.qualitative import draw_predictions
from mmseg_da.errors import InputError
from mmseg_da.utils import one_sentence_errors


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        '--images', nargs='+', required=True, help='image files, a row each'
    )
    parser.add_argument(
        '--models',
        nargs='+',
        action='append',
        required=True,
        metavar=('CONFIG CHECKPOINT', 'TITLE'),
        help='a model, a column; its title is the name of its config if none '
        'is given; repeat it for more',
    )
    parser.add_argument(
        '--labels',
        help="folder of the labels; default: where the first config's test "
        'data set has them beside its images',
    )
    parser.add_argument('--out', default='grid.png', help='picture to write')
    parser.add_argument('--device', default='auto')
    parser.add_argument(
        '--cell-width', type=int, default=480, help='pixels a picture'
    )
    return parser.parse_args(argv)


def model_spec(words: Sequence[str]) -> tuple[str, str, str]:
    """Config, checkpoint and title of one ``--models``."""
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
    # Before the models are loaded, what may be wrong after it.
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
