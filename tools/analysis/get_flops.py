"""Print the parameters and multiply-accumulates of a config's network.

    python tools/analysis/get_flops.py configs/da/bisenet_adv_gta2cs.py \\
        --shape 512 1024
"""

import argparse
import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))
from launch.cli import (
    add_cfg_options,
    command_parser,
    one_sentence_errors,
)
from mmseg_da.apis import build_segmentor
from mmseg_da.errors import InputError
from mmseg_da.utils import load_config


def image_metas(shape: Sequence[int]) -> list[dict]:
    """The metadata of one image that was not resized, for a segmentor."""
    shape = tuple(shape)
    return [{'img_shape': shape, 'ori_shape': shape, 'pad_shape': shape}]


def count_parameters(model: nn.Module, in_training: bool = True) -> int:
    """Count a segmentor's parameters, shared ones once, without buffers.

    Args:
        model (nn.Module): An MMSegmentation segmentor.
        in_training (bool): Whether auxiliary heads count, which predict
            nothing at test time. Defaults to True.
    """
    return sum(
        value.numel()
        for name, value in model.named_parameters()
        if in_training or not name.startswith('auxiliary_head.')
    )


def count_macs(model: nn.Module, shape: Sequence[int] = (512, 1024)) -> int:
    """Count the multiply-accumulates from one image to its logits.

    Convolutions, matrix products and attention are counted. A multiply and
    its add count as one. Biases, normalisation, activations, pooling and
    resizing do not count. The network runs on PyTorch's meta device, which
    computes shapes only; a network that reads values runs on the CPU.

    Args:
        model (nn.Module): An MMSegmentation segmentor in eval mode.
        shape (Sequence[int]): Height and width of the network's input.
            Defaults to (512, 1024).

    Returns:
        int: Multiply-accumulates, half the floating point operations.

    Example:
        >>> model = init_model('configs/da/bisenet_adv_gta2cs.py')
        >>> count_macs(model, (512, 1024))
        25445933778
    """
    try:
        return _count(copy.deepcopy(model).to('meta'), shape, 'meta')
    except (NotImplementedError, RuntimeError):
        return _count(model, shape, 'cpu')


def _count(model: nn.Module, shape: Sequence[int], device: str) -> int:
    image = torch.zeros(1, 3, *shape, device=device)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), _plain_attention():
        test_cfg = getattr(model, 'test_cfg', None) or {}
        slides = test_cfg.get('mode') == 'slide'
        run = model.slide_inference if slides else model.encode_decode
        logits: Tensor = run(image, image_metas(shape))
    assert logits.shape[2:] == tuple(shape)
    return counter.get_total_flops() // 2


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Turn off fused kernels, which PyTorch's counter does not know."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
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
