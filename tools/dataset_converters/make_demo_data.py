"""Render the demo data: street scenes of a game and of a dash camera.

    python tools/dataset_converters/make_demo_data.py --out data/demo

Writes OUT/gta5 and OUT/cityscapes in the file layouts of these data sets. If
you run it again with the same parameters, it goes on where it was stopped and
keeps what is complete.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from launch.cli import add_workers, command_parser, one_sentence_errors
from street_renderer import DemoSpec, write_demo_data
from street_renderer.preview import write_preview


def parse_args() -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('--out', default='data/demo', help='output folder')
    numbers = {
        'num_source': 'labelled source images',
        'num_target': 'unlabelled target images',
        'num_labelled': 'labelled target images for the oracle',
        'num_val': 'labelled target images to evaluate on',
        'seed': 'seed of the scenes',
    }
    for name, text in numbers.items():
        parser.add_argument(
            '--' + name.replace('_', '-'),
            type=int,
            default=getattr(DemoSpec, name),
            help=f'{text} (default: %(default)s)',
        )
    add_workers(parser, 'that render, without effect on the pictures')
    parser.add_argument(
        '--preview',
        metavar='FILE.png',
        help='also write one picture of some images and their labels',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    spec = DemoSpec(
        args.num_source,
        args.num_target,
        args.num_labelled,
        args.num_val,
        args.seed,
    )
    if write_demo_data(args.out, spec, args.workers):
        print(f'\nDemo data written to {args.out}')
    else:
        print(f'Demo data in {args.out} is complete and is reused')
    if args.preview:
        write_preview(args.preview, args.seed)
        print(f'Preview written to {args.preview}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
