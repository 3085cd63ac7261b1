"""Adapt a checkpoint's BatchNorm to unlabelled target images.

Only the running means and variances change, the weights stay. The config
names the target: give an adaptation config of the same model.

    python tools/adapt_bn.py configs/da/bisenet_adv_gta2cs.py best.pth
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.device import get_device
from rich.progress import track

from launch import check_config
from launch.cli import (
    add_cfg_options,
    command_parser,
    one_sentence_errors,
    positive,
)
from launch.resume import BATCH_OF_ONE
from mmseg_da.apis import adapt_bn, build_segmentor
from mmseg_da.apis.adapt_bn import build_target_loader, check_batch_norm
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.checkpoint import load_checkpoint, load_weights
from mmseg_da.utils.files import atomic_path


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='adaptation config')
    parser.add_argument('checkpoint', help='checkpoint of the same model')
    parser.add_argument(
        '--out',
        type=Path,
        help='file to write; default: CHECKPOINT with _bn in its name',
    )
    parser.add_argument(
        '--num-images',
        type=positive,
        metavar='N',
        help='take N images, evenly spaced over the data set; default: all',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def read_dataset_meta(checkpoint: Path) -> dict:
    """Classes and colours from a checkpoint's meta, where it has any.

    The rest of the meta belongs to a training run, which cannot be resumed
    from a file without the optimizer's state.
    """
    content = load_checkpoint(str(checkpoint))
    meta = content.get('meta', {}) if isinstance(content, dict) else {}
    return {k: v for k, v in meta.items() if k == 'dataset_meta'}


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_config(cfg, 'train')
    source = Path(args.checkpoint)
    out = args.out or source.with_name(f'{source.stem}_bn.pth')
    if out.is_dir():
        raise InputError(
            f'--out {out} is a folder: give the file to write, such as '
            f'{out / "adapted.pth"}.'
        )
    if source.exists() and out.exists() and out.samefile(source):
        raise InputError(
            f'--out {out} is the checkpoint itself, which would be lost: give '
            'another file.'
        )
    loader = build_target_loader(cfg, args.num_images)
    model = build_segmentor(cfg)
    check_batch_norm(model)
    load_weights(model, source)
    model.to(get_device())
    try:
        adapt_bn(model, track(loader, description='Adapting BatchNorm'))
    except ValueError as error:
        if not str(error).startswith(BATCH_OF_ONE):
            raise
        raise InputError(
            'BatchNorm cannot be estimated on a single value, after pooling '
            'a batch of 1 to 1x1: give at least 2 target images, and a '
            'batch_size of 2 or more.'
        ) from error
    content = dict(
        meta=read_dataset_meta(source), state_dict=model.cpu().state_dict()
    )
    with atomic_path(out) as partial:
        torch.save(content, partial)
    print(f'Written to {out}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
