"""Export a trained network for ONNX Runtime or OpenVINO, and check it.

python tools/export.py CONFIG CHECKPOINT --shape 512 1024 --precision int8 \
    --out work_dirs/bisenet_int8.onnx

The file takes a normalised image (N, 3, H, W) and returns the logits of the
decode head, for the paper's BiSeNet at 1/8 of the size. tools/infer.py and
mmseg_da.deploy.Predictor take it in place of a checkpoint.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import cv2
import torch
from rich.progress import track
from torch import Tensor

from mmseg_da.deploy import Predictor, init_model
from mmseg_da.deploy.evaluate import mean_iou
from mmseg_da.deploy.export import FORMATS, check_parity, export
from mmseg_da.deploy.images import list_images, read_image, training_images
from mmseg_da.utils import ConfigOptions, load_config, one_sentence_errors


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out', required=True, help='file to write: .onnx, or .xml'
    )
    parser.add_argument('--format', choices=FORMATS, default='onnx')
    parser.add_argument(
        '--precision',
        choices=sorted({p for names in FORMATS.values() for p in names}),
        default='fp32',
    )
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        default=[512, 1024],
        metavar=('H', 'W'),
        help="height and width of the network's input; default: 512 1024",
    )
    parser.add_argument(
        '--dynamic',
        action='store_true',
        help='take any batch, height and width; --shape is what is checked',
    )
    parser.add_argument(
        '--calibration',
        metavar='FOLDER',
        help='images that set the ranges of int8; default: those of the '
        'target domain that the config trains on',
    )
    parser.add_argument(
        '--images', type=int, default=32, help='of them; default: 32'
    )
    parser.add_argument(
        '--evaluate',
        action='store_true',
        help="also print the mIoU on the config's test data, before and after",
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        help='overrides of the config, as key.of.config=value',
    )
    return parser.parse_args(argv)


def calibration_images(args, cfg, predictor: Predictor) -> list[Tensor]:
    """Images as the network gets them, for int8 only."""
    if args.precision != 'int8':
        return []
    files = (
        list_images(args.calibration)[: args.images]
        if args.calibration
        else training_images(cfg, args.images)
    )
    size = tuple(args.shape[::-1])
    return [
        predictor.preprocess([cv2.resize(read_image(file), size)])
        for file in track(files, description='Reading')
    ]


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    # Images are brought to the shape that is exported.
    cfg.test_pipeline = [dict(type='Resize', scale=tuple(args.shape[::-1]))]
    model = init_model(cfg, args.checkpoint, 'cpu', pack=False)
    predictor = Predictor.of(model)
    images = calibration_images(args, cfg, predictor)
    path = export(
        model.network,
        args.out,
        args.format,
        args.precision,
        args.shape,
        args.dynamic,
        images,
    )
    torch.manual_seed(0)
    checked = images[:4] or [torch.randn(1, 3, *args.shape) for _ in range(2)]
    found = check_parity(
        model.network, path, args.format, args.precision, checked
    )
    print(
        f'Wrote {path}: logits within {found["max_difference"]:.1e} of '
        f'{found["largest_logit"]:.1f}, the same class on '
        f'{100 * found["agreement"]:.3f} % of the pixels of '
        f'{len(checked)} {"images" if images else "random inputs"}'
    )
    if args.evaluate:
        for name, predict in (
            ('before', predictor),
            ('after', Predictor(cfg, path)),
        ):
            found[f'miou_{name}'] = mean_iou(
                predict, cfg, lambda x: track(x, description='Evaluating')
            )
            print(f'mIoU {name}: {found[f"miou_{name}"]:.2f}')
    return found


if __name__ == '__main__':
    with one_sentence_errors():
        main()
