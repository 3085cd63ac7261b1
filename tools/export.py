"""Export a trained network for ONNX Runtime or OpenVINO, and check the file.

The file takes a normalised image (N, 3, H, W) and returns the logits of the
decode head, for the paper's BiSeNet at 1/8 of the size. tools/infer.py and
mmseg_da.apis.init_predictor take the file in place of a checkpoint.

    python tools/export.py configs/da/bisenet_adv_gta2cs.py best.pth \\
        --shape 512 1024 --precision int8 --out best_int8.onnx
"""

import argparse
from collections.abc import Sequence

import numpy as np
from rich.progress import track

from inference.images import list_images, read_sample, training_samples
from launch.cli import (
    add_cfg_options,
    add_model,
    add_shape,
    command_parser,
    one_sentence_errors,
    positive,
)
from mmseg_da.apis import export, init_model, mean_iou
from mmseg_da.deploy import FastSegmentor, Predictor
from mmseg_da.deploy.export import FORMATS
from mmseg_da.deploy.runtimes import load_network
from mmseg_da.utils import load_config


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    add_model(parser)
    parser.add_argument(
        '--out',
        required=True,
        help='file to write: .onnx, or .xml for OpenVINO',
    )
    parser.add_argument(
        '--format', choices=FORMATS, default='onnx', help='default: onnx'
    )
    parser.add_argument(
        '--precision',
        choices=sorted({p for names in FORMATS.values() for p in names}),
        default='fp32',
        help='default: fp32',
    )
    add_shape(parser)
    parser.add_argument(
        '--dynamic',
        action='store_true',
        help='let batch, height and width vary; --shape is checked only',
    )
    parser.add_argument(
        '--calibration',
        metavar='FOLDER',
        help='images that set the ranges of int8; default: images that the '
        'config trains on, of the target if there is one',
    )
    parser.add_argument(
        '--images',
        type=positive,
        default=32,
        help='number of images for --calibration; default: 32',
    )
    parser.add_argument(
        '--evaluate',
        action='store_true',
        help='also print the mIoU of the checkpoint and of the file on the '
        "config's test data",
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def calibration_images(args, cfg) -> list[np.ndarray]:
    """Read the images that set the ranges of int8."""
    if args.precision != 'int8':
        return []
    if args.calibration:
        files = list_images(args.calibration)[: args.images]
        samples = [dict(img_path=file) for file in files]
    else:
        samples = training_samples(cfg, args.images)
    return [read_sample(s) for s in track(samples, description='Reading')]


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    model = init_model(cfg, args.checkpoint, 'cpu', args.teacher)
    images = calibration_images(args, cfg)
    found = export(
        model,
        args.out,
        args.format,
        args.precision,
        args.shape,
        args.dynamic,
        images,
    )
    print(
        f'Wrote {found["path"]}: the logits, of at most '
        f'{found["largest_logit"]:.1f}, differ by at most '
        f'{found["max_difference"]:.1e}, and the class is the same on '
        f'{100 * found["agreement"]:.3f} % of the pixels of '
        f'{found["checked"]} {"images" if images else "random inputs"}.'
    )
    if args.evaluate:
        fast = FastSegmentor(model)
        scale = tuple(args.shape[::-1])
        for name, network in (
            ('before', None),
            ('after', load_network(found['path'])),
        ):
            found[f'miou_{name}'] = mean_iou(
                Predictor(fast, network, scale),
                cfg,
                lambda x: track(x, description='Evaluating'),
            )
            print(f'mIoU {name}: {found[f"miou_{name}"]:.2f}')
    return found


if __name__ == '__main__':
    with one_sentence_errors():
        main()
