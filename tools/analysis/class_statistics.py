"""Count the classes of a data set and weigh them by median frequency.

The files that the configs of the weighted rows read:

    python tools/analysis/class_statistics.py \\
        configs/source_only/bisenet_none_gta2cs.py \\
        --out data/gta5/class_statistics.json
    python tools/analysis/class_statistics.py \\
        configs/cityscapes/bisenet_ce_cityscapes.py \\
        --out data/cityscapes/class_statistics.json

Figure 1 from these two files:

    python tools/analysis/class_statistics.py \\
        data/gta5/class_statistics.json --plot figure1.png \\
        --compare data/cityscapes/class_statistics.json
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from analysis.class_counts import SPLITS, class_statistics
from analysis.class_shares import draw_class_shares
from launch.cli import (
    add_cfg_options,
    add_workers,
    command_parser,
    one_sentence_errors,
)
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.files import atomic_path, read_statistics


def write_statistics(path: Path, statistics: dict) -> None:
    """Write class statistics as JSON, each file's counts on one line.

    Args:
        path (Path): File to write.
        statistics (dict): From ``tools/analysis/class_counts.py``.
    """
    rest = {k: v for k, v in statistics.items() if k != 'files'}
    text = json.dumps(rest, indent=2)
    if files := statistics.get('files'):
        lines = ',\n'.join(
            f'    {json.dumps(name)}: {json.dumps(counts)}'
            for name, counts in files.items()
        )
        text = f'{text[:-2]},\n  "files": {{\n{lines}\n  }}\n}}'
    path.write_text(f'{text}\n', encoding='utf-8')


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument(
        'config', help='config file, or a JSON file that this tool wrote'
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
        '--compare', help='JSON of another data set to draw beside the first'
    )
    parser.add_argument(
        '--names', nargs='+', help='names of the data sets in the picture'
    )
    parser.add_argument(
        '--linear',
        action='store_true',
        help='draw shares on a linear axis instead of a logarithmic one',
    )
    add_workers(parser, 'that read labels; 0: none but this one')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def table(statistics: dict) -> str:
    """Format the counts as text."""
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
    # Counting can take hours, so the other arguments are checked first.
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
