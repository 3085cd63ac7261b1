"""Print latency, FPS, multiply-accumulates and parameters, as in Table 1.

    python tools/analysis/latency.py configs/da/bisenet_adv_gta2cs.py \\
        --shape 512 1024 --amp
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from analysis.get_flops import count_macs, count_parameters, image_metas
from analysis.timing import device_name, interleaved, quartiles
from launch.cli import (
    add_cfg_options,
    add_device,
    add_shape,
    command_parser,
    one_sentence_errors,
)
from mmseg_da.apis import build_segmentor
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config
from mmseg_da.utils.device import pick_device
from mmseg_da.utils.files import atomic_path

COLUMNS = (
    '| Config | Precision | Latency, median [quartiles] | FPS | MACs '
    '| Parameters (training) |\n|:--|:--|--:|--:|--:|--:|'
)


def measure_latency(
    model: nn.Module,
    shape: Sequence[int] = (512, 1024),
    device: str | torch.device = 'cpu',
    amp: bool = False,
    iterations: int = 50,
    warmup: int = 10,
) -> dict:
    """Measure the time from an image in memory to full-resolution logits.

    Batch 1, eval mode, ``torch.inference_mode``, an input of random values.
    The device is synchronised before the clock starts and before it stops,
    at each iteration. The time includes a segmentor's CRF, but not loading,
    resizing and normalising the image, nor the argmax. Under AMP the weights
    are cast once, in warm-up.

    Args:
        model (nn.Module): An MMSegmentation segmentor; it is moved to the
            device and stays there.
        shape (Sequence[int]): Height and width of the input. Defaults to
            (512, 1024).
        device (str | torch.device): Defaults to 'cpu'.
        amp (bool): Autocast, to fp16 on CUDA and bf16 elsewhere. Defaults
            to False.
        iterations (int): Timed iterations. Defaults to 50.
        warmup (int): Untimed iterations before them. Defaults to 10.

    Returns:
        dict: ``latency_ms`` (median), ``q1_ms``, ``q3_ms``, ``iqr_ms``,
        ``fps`` (1000 over the median), ``times_ms``, ``precision``,
        ``device``, ``threads``, ``shape``, ``iterations``, ``warmup``.

    Raises:
        InputError: If there are less than 2 iterations, or the warm-up is
            negative.

    Example:
        >>> model = init_model('configs/da/bisenet_adv_gta2cs.py')
        >>> measure_latency(model, (512, 1024))['latency_ms']
        351.2
    """
    if iterations < 2 or warmup < 0:
        raise InputError(
            f'{iterations} iterations after {warmup} of warm-up cannot be '
            'timed: take at least 2 after at least 0.'
        )
    device = torch.device(device)
    half = torch.float16 if device.type == 'cuda' else torch.bfloat16
    model = model.to(device).eval()
    metas = image_metas(shape)
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, *shape, generator=generator).to(device)

    autocast = torch.autocast(device.type, dtype=half, enabled=amp)
    benchmark = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        with torch.inference_mode(), autocast:
            (times,) = interleaved(
                {'model': lambda: model.inference(image, metas)},
                iterations,
                warmup,
                device,
            ).values()
    finally:
        torch.backends.cudnn.benchmark = benchmark
    q1, median, q3 = quartiles(times)
    return {
        'latency_ms': median,
        'q1_ms': q1,
        'q3_ms': q3,
        'iqr_ms': q3 - q1,
        'fps': 1000 / median,
        'times_ms': times,
        'precision': _precision(device, half if amp else None),
        'device': device_name(device),
        'threads': torch.get_num_threads(),
        'shape': tuple(shape),
        'iterations': iterations,
        'warmup': warmup,
    }


def _precision(device: torch.device, half: torch.dtype | None) -> str:
    if half is not None:
        return f'AMP {"fp16" if half == torch.float16 else "bf16"}'
    if (
        device.type == 'cuda'
        and torch.backends.cudnn.allow_tf32
        and torch.cuda.get_device_capability(device) >= (8, 0)
    ):
        return 'fp32 (TF32)'
    return 'fp32'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('configs', nargs='+', help='config files, a row each')
    add_shape(parser)
    parser.add_argument(
        '--amp',
        action='store_true',
        help='add a row under autocast for each config: fp16 on CUDA, else '
        'bf16',
    )
    add_device(parser)
    parser.add_argument(
        '--iters', type=int, default=50, help='timed iterations; default: 50'
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=10,
        help='untimed iterations before; default: 10',
    )
    parser.add_argument('--out', help='JSON file to write')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def row(result: dict) -> str:
    """Format a result as a row of the table."""
    return (
        f'| {Path(result["config"]).stem} | {result["precision"]} '
        f'| {result["latency_ms"]:.2f} ms [{result["q1_ms"]:.2f}, '
        f'{result["q3_ms"]:.2f}] | {result["fps"]:.1f} '
        f'| {result["macs"] / 1e9:.2f} G '
        f'| {result["parameters"] / 1e6:.2f} M '
        f'({result["parameters_in_training"] / 1e6:.2f} M) |'
    )


def main(argv: Sequence[str] | None = None) -> list[dict]:
    args = parse_args(argv)
    if min(args.shape) < 1:
        raise InputError(
            f'--shape is {args.shape[0]} {args.shape[1]}; give the height '
            'and the width in pixels.'
        )
    device = pick_device(args.device)
    results = []
    for config in args.configs:
        model = build_segmentor(load_config(config, args.cfg_options))
        size = {
            'config': config,
            'macs': count_macs(model, args.shape),
            'parameters': count_parameters(model, in_training=False),
            'parameters_in_training': count_parameters(model),
        }
        for amp in (False, True) if args.amp else (False,):
            latency = measure_latency(
                model, args.shape, device, amp, args.iters, args.warmup
            )
            results.append({**size, **latency})
            if len(results) == 1:
                print(
                    f'{latency["device"]}, {latency["threads"]} CPU threads, '
                    f'1 x 3 x {args.shape[0]} x {args.shape[1]}, '
                    f'{args.iters} iterations after {args.warmup} of '
                    f'warm-up\n{COLUMNS}'
                )
            print(row(results[-1]), flush=True)
    if args.out:
        with atomic_path(args.out) as partial:
            partial.write_text(json.dumps(results, indent=2) + '\n')
        print(f'Wrote {args.out}')
    return results


if __name__ == '__main__':
    with one_sentence_errors():
        main()
