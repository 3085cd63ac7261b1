"""How long a network takes for one image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mmseg_da.errors import InputError
from mmseg_da.utils.device import device_name

from .complexity import image_metas
from .timing import interleaved, quartiles


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
