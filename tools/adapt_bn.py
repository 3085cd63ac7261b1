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
from launch.cli import add_cfg_options, one_sentence_errors
from mmseg_da.apis import adapt_bn, build_segmentor
from mmseg_da.apis.adapt_bn import build_target_loader, check_batch_norm
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.checkpoint import load_weights
from mmseg_da.utils.files import atomic_path


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='adaptation config')
    parser.add_argument('checkpoint', help='checkpoint of the same model')
    parser.add_argument(
        '--out',
        type=Path,
        help='file to write; default: CHECKPOINT with _bn in its name',
    )
    parser.add_argument(
        '--num-images',
        type=int,
        help="how many of the target's images, evenly spread; default: all",
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_config(cfg, 'train')
    source = Path(args.checkpoint)
    out = args.out or source.with_name(f'{source.stem}_bn.pth')
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
    adapt_bn(model, track(loader, description='Adapting BatchNorm'))
    content = dict(meta=dict(), state_dict=model.cpu().state_dict())
    with atomic_path(out) as partial:
        torch.save(content, partial)
    print(f'Written to {out}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
