"""Print latency, FPS, multiply-accumulates and parameters, as in Table 1.

    python tools/analysis/latency.py configs/da/bisenet_adv_gta2cs.py \\
        --shape 512 1024 --amp
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.analysis import count_macs, count_parameters, measure_latency
from mmseg_da.apis import build_segmentor
from mmseg_da.errors import InputError
from mmseg_da.utils import add_cfg_options, load_config, one_sentence_errors
from mmseg_da.utils.device import pick_device
from mmseg_da.utils.files import atomic_path

COLUMNS = (
    '| Config | Precision | Latency, median [quartiles] | FPS | MACs '
    '| Parameters (training) |\n|:--|:--|--:|--:|--:|--:|'
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('configs', nargs='+', help='config files, a row each')
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        default=[512, 1024],
        metavar=('H', 'W'),
        help="height and width of the network's input; default: 512 1024",
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='add a row under autocast for each config: fp16 on CUDA, else '
        'bf16',
    )
    parser.add_argument(
        '--device',
        default='auto',
        help='cpu, cuda, cuda:1, ...; default: CUDA if there is any',
    )
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
