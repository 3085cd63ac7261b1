"""Copy a config's data at the size that it is trained at.

python tools/dataset_converters/resize_dataset.py CONFIG OUT [--split target]

Decoding full-size PNGs is most of the time of loading a sample; a copy at
the config's img_scale saves it. Training on the copy sees the same pixels.
Run again, the tool writes what is missing or has changed. Validation needs
full-size labels and is not copied.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.registry import init_default_scope

sys.path.insert(0, str(Path(__file__).parents[1]))
from launch.cli import add_cfg_options, one_sentence_errors
from mmseg_da.datasets.resized import write_resized
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.dataset_configs import find_target_loader

SPLITS = 'train', 'target'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('out', help='folder of the copy')
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default='train',
        help='which data set: %(choices)s; default: %(default)s',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        help='processes (0: none); default: one a core',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    if args.workers < 0:
        raise InputError(f'--workers is {args.workers}: give 0 or more.')
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    key, loader = 'train_dataloader', cfg.get('train_dataloader')
    if args.split == 'target':
        key, loader = find_target_loader(cfg) or ('target_dataloader', None)
    if not loader:
        raise InputError(
            f'{args.config} has no {key}: choose another --split.'
        )
    overrides = write_resized(loader['dataset'], args.out, args.workers)
    options = {
        f'{key}.dataset.{name}': value for name, value in overrides.items()
    }
    words = ' '.join(f'{name}={value}' for name, value in options.items())
    print(f'To train on the copy add\n--cfg-options {words}')
    return options


if __name__ == '__main__':
    with one_sentence_errors():
        main()
