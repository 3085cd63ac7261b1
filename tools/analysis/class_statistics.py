"""Count the classes of a config's data set and weigh them by median frequency.

python tools/analysis/class_statistics.py \
    configs/source_only/bisenet_none_gta2cs.py --out data/gta5/classes.json

Figure 1, from two such files:

python tools/analysis/class_statistics.py data/gta5/classes.json \
    --compare data/cityscapes/classes.json --plot figure1.png
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmseg_da.analysis import class_statistics
from mmseg_da.analysis.class_statistics import SPLITS
from mmseg_da.errors import InputError
from mmseg_da.utils import add_cfg_options, load_config, one_sentence_errors
from mmseg_da.utils.files import atomic_path
from mmseg_da.utils.statistics_file import read_statistics, write_statistics
from mmseg_da.visualization import draw_class_shares


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'config', help='config file, or a JSON written before (.json)'
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default='train',
        help='which data set of the config; default: train',
    )
    parser.add_argument('--out', help='JSON to write')
    parser.add_argument(
        '--per-file',
        action='store_true',
        help='also keep the counts of each image, for RareClassSampler',
    )
    parser.add_argument(
        '--plot', help="picture of the classes' shares to write (Figure 1)"
    )
    parser.add_argument(
        '--compare', help='JSON of another data set, drawn beside'
    )
    parser.add_argument(
        '--names', nargs='+', help='names of the data sets in the picture'
    )
    parser.add_argument(
        '--linear',
        action='store_true',
        help='a linear axis for the shares, instead of a logarithmic one',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=len(os.sched_getaffinity(0))
        if hasattr(os, 'sched_getaffinity')
        else os.cpu_count(),
        help='processes that read labels (0: none); default: one a core',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def table(statistics: dict) -> str:
    """The counts as text."""
    total = sum(statistics['pixel_counts'])
    lines = [
        f'{"class":16} {"pixels":>15} {"share":>9} {"images":>8} '
        f'{"frequency":>10} {"weight":>9}'
    ]
    for name, pixels, images, frequency, weight in zip(
        statistics['classes'],
        statistics['pixel_counts'],
        statistics['image_counts'],
        statistics['frequencies'],
        statistics['median_frequency_weights'],
    ):
        lines.append(
            f'{name:16} {pixels:15,} {pixels / total:9.4%} {images:8,} '
            f'{frequency:10.6f} {weight:9.4f}'
        )
    ignored = statistics['ignored_pixels']
    lines.append(
        f'{statistics["num_images"]:,} images, {total:,} labelled pixels, '
        f'{ignored / (total + ignored):.2%} ignored'
    )
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    # Before hours of counting, what may be wrong after it.
    if args.compare and not args.plot:
        raise InputError('--compare needs --plot FILE for the picture.')
    others = [read_statistics(args.compare)] if args.compare else []
    if args.names and len(args.names) != 1 + len(others):
        raise InputError(
            f'--names has {len(args.names)} names for {1 + len(others)} '
            'data sets.'
        )
    if args.config.endswith('.json'):
        statistics = read_statistics(args.config)
    else:
        statistics = class_statistics(
            load_config(args.config, args.cfg_options),
            args.split,
            args.workers,
            args.per_file,
        )
    print(table(statistics))
    if args.out:
        with atomic_path(args.out) as partial:
            write_statistics(partial, statistics)
        print(f'Wrote {args.out}')
    if args.plot:
        everything = [statistics, *others]
        names = args.names or [
            f'{s["dataset"].removesuffix("Dataset")} {s["split"]}'
            for s in everything
        ]
        draw_class_shares(everything, names, args.plot, not args.linear)
        print(f'Wrote {args.plot}')
    return statistics


if __name__ == '__main__':
    with one_sentence_errors():
        main()
