"""The network on CUDA, in half precision and as a CUDA graph, and compiled."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from benchmarks.core import Case, Settings
from benchmarks.networks import attempt, same_logits
from mmseg_da.deploy import FastSegmentor

# Share of the classes that rounding to half precision has to leave.
ROUNDED = 0.95
HALF_SAME = same_logits(0.1, ROUNDED)
HALF = {'bf16': 'bfloat16', 'fp16': 'float16'}


def in_tf32(function: Callable) -> Callable:
    """Allow cuDNN to multiply in TF32, which is PyTorch's default."""

    def run() -> Tensor:
        torch.backends.cudnn.allow_tf32 = True
        try:
            return function()
        finally:
            torch.backends.cudnn.allow_tf32 = False

    return run


def half_options(precision: str, fps_goal: float | None) -> dict:
    """What cases in half precision share."""
    return {
        'same': HALF_SAME,
        'goal': 0.2,
        'fps_goal': fps_goal,
        'dtype': HALF[precision],
    }


def cuda_cases(
    settings: Settings,
    ours: nn.Module,
    full_size: Callable,
    last: Tensor,
    fps_goal: float | None,
) -> Iterator[Case]:
    """Cases of the fast network, from an image to full-size logits.

    Args:
        settings (Settings): Settings of the suite, on a CUDA device.
        ours (nn.Module): The plugin's segmentor.
        full_size (Callable): Makes a case's function of a network.
        last (Tensor): The image, channels last.
        fps_goal (float, optional): Images per second to aim at.

    Yields:
        Case: One way to run the network.
    """
    eager = FastSegmentor(ours).to(settings.device)
    yield Case('fast network, TF32', in_tf32(full_size(eager)), HALF_SAME)
    for precision in HALF:
        options = half_options(precision, fps_goal)
        eager = FastSegmentor(ours, precision).to(settings.device)
        yield Case(
            f'fast network, {precision}',
            full_size(eager),
            options['same'],
            dtype=options['dtype'],
        )
        graphed = replay(eager, last)
        yield Case(
            f'fast network, {precision}, CUDA graph',
            full_size(graphed),
            **options,
        )


def compiled_cases(
    settings: Settings,
    ours: nn.Module,
    full_size: Callable,
    fps_goal: float | None,
) -> Iterator[Case]:
    """Cases of the compiled network, of half precision on CUDA alone.

    Args and what is yielded are those of :func:`cuda_cases`.
    """
    compiled = FastSegmentor(ours, compile=True).to(settings.device)
    yield attempt('fast network, compiled', lambda: full_size(compiled))
    if settings.device.type != 'cuda':
        return
    for precision in HALF:
        compiled = FastSegmentor(ours, precision, compile=True)
        yield Case(
            f'fast network, {precision}, compiled with CUDA graphs',
            full_size(compiled.to(settings.device)),
            **half_options(precision, fps_goal),
        )


def replay(network: Callable, image: Tensor) -> Callable:
    """Capture a call of the network as a CUDA graph, and replay it."""
    stream = torch.cuda.Stream()
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(3):
            network(image)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        logits = network(image)

    def run(_) -> Tensor:
        graph.replay()
        return logits

    return run
