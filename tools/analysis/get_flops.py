"""Print the parameters and multiply-accumulates of a config's network.

    python tools/analysis/get_flops.py configs/da/bisenet_adv_gta2cs.py \\
        --shape 512 1024
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmseg_da.analysis import count_macs, count_parameters
from mmseg_da.apis import build_segmentor
from mmseg_da.errors import InputError
from mmseg_da.utils import add_cfg_options, load_config, one_sentence_errors


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        default=[512, 1024],
        metavar='N',
        help="the network input's height and width, or one number for both; "
        'default: 512 1024',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def input_shape(numbers: Sequence[int]) -> tuple[int, int]:
    """Read height and width from one or two positive numbers."""
    if len(numbers) not in (1, 2) or min(numbers) < 1:
        raise InputError(
            f'--shape is {" ".join(map(str, numbers))}; give the height and '
            'the width in pixels, or one number for both.'
        )
    return numbers[0], numbers[-1]


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    height, width = input_shape(args.shape)
    model = build_segmentor(load_config(args.config, args.cfg_options))
    result = {
        'shape': (height, width),
        'parameters': count_parameters(model, in_training=False),
        'parameters_in_training': count_parameters(model),
        'macs': count_macs(model, (height, width)),
    }
    macs, in_training = result['macs'], result['parameters_in_training']
    print(
        f'Input shape:            3 x {height} x {width}\n'
        f'Parameters, inference:  {result["parameters"]:,}\n'
        f'Parameters, training:   {in_training:,} (with auxiliary heads)\n'
        f'Multiply-accumulates:   {macs / 1e9:.4f} G of convolutions and '
        'matrix products\n'
        f'                        (1 MAC = 2 FLOPs: {2 * macs / 1e9:.4f} '
        'GFLOPs)'
    )
    return result


if __name__ == '__main__':
    with one_sentence_errors():
        main()
