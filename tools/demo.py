"""Adapt BiSeNet from a game to a dash camera, on rendered data.

Renders the demo data, trains without and with adaptation, prints what both
reach on the target and draws predictions of both. If you run it again, it
goes on where it was stopped.

    python tools/demo.py
    python tools/demo.py --all --seeds 0 1 2 --jobs 2    # the README's table
"""

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from launch.cli import command_parser, one_sentence_errors, positive
from launch.resume import named_checkpoint
from reproduction.comparison import Comparison, read_comparison, work_dir
from reproduction.comparison_report import collect, write_comparison
from reproduction.comparison_runs import run_comparison
from reproduction.experiments import (
    end_on_sigterm,
    run_tool,
    write_json,
)

ROWS = 'start', 'source only', 'adapted'
SHORT_SIZES = ['--num-source', '16', '--num-target', '16']
SHORT_SIZES += ['--num-labelled', '4', '--num-val', '4']
SHORT_RUN = {
    'train_cfg.max_iters': 25,  # the warm-up takes 20
    'train_cfg.val_interval': 25,
    'default_hooks.logger.interval': 5,
}


def parse_args() -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument(
        '--all',
        action='store_true',
        help='also the controls and the oracle: every row of '
        'configs/demo/metafile.yaml',
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=[0],
        help='seeds to train with; default: 0',
    )
    parser.add_argument(
        '--jobs',
        type=positive,
        default=1,
        help='trainings at a time, one thread each if several; default: 1',
    )
    parser.add_argument(
        '--short',
        action='store_true',
        help='few images and 25 iterations: shows only that it runs',
    )
    return parser.parse_args()


def print_table(
    comparison: Comparison, rows: dict[str, dict[str, list[dict]]]
) -> None:
    """Print IoU by class and mIoU, one column per row of the comparison."""
    names = list(rows)[1:]  # all but the start
    keys = [f'IoU.{name}' for name in comparison.classes] + [comparison.metric]
    print(f'\n{"IoU in percent":16s}' + ''.join(f'{n:>17s}' for n in names))
    for key in keys:
        cells = []
        for name in names:
            runs = rows[name]['plain']
            cells.append(show([run[key] for run in runs if key in run]))
        print(f'{key.removeprefix("IoU."):16s}' + ''.join(cells))


def show(values: list[float]) -> str:
    """Format the mean, and the sample standard deviation of seeds."""
    text = f'{statistics.mean(values):.1f}' if values else '-'
    if len(values) > 1:
        text += f' +- {statistics.stdev(values):.1f}'
    return f'{text:>17s}'


def draw(comparison: Comparison, seed: int, data: Path, out: Path) -> Path:
    """Draw predictions of some images without and with adaptation."""
    images = sorted(data.glob('cityscapes/leftImg8bit/val/*/*.png'))
    picture = out / 'demo.png'
    words = ['tools/analysis/qualitative.py', '--out', str(picture)]
    words += ['--images', *map(str, images[:: max(1, len(images) // 4)][:4])]
    for method in comparison.methods:
        if method.label in ROWS[1:]:
            trained = named_checkpoint(work_dir(method, seed, out))
            words += ['--models', method.config, str(trained), method.label]
    run_tool(words, out / 'picture.log', 'picture')
    return picture


def main() -> None:
    args = parse_args()
    root = 'data/short' if args.short else 'data'
    data = Path(root, 'demo')
    out = Path(f'work_dirs/demo{"_short" if args.short else ""}')
    words = ['tools/dataset_converters/make_demo_data.py', '--out', str(data)]
    sizes = SHORT_SIZES if args.short else []
    run_tool([*words, *sizes], out / 'data.log', 'demo data')
    comparison = read_comparison('demo')
    if not args.all:
        methods = [one for one in comparison.methods if one.label in ROWS]
        comparison = replace(comparison, methods=methods)
    own = SHORT_RUN if args.short else {}
    run_comparison(comparison, args.seeds, root, out, args.jobs, own)
    rows = collect(comparison, args.seeds, out)
    print_table(comparison, rows)
    files = [out / 'results.json']
    if args.all:
        command = ['tools/demo.py', *sys.argv[1:]]
        files = write_comparison(comparison, args.seeds, out, command)
    else:
        write_json(files[0], rows)
    picture = draw(comparison, args.seeds[0], data, out)
    print(f'\nPicture: {picture}\nAll numbers: {", ".join(map(str, files))}')


if __name__ == '__main__':
    end_on_sigterm()
    with one_sentence_errors():
        main()
