"""Times an adversarial iteration against the textbook's two passes."""

import tempfile
from collections.abc import Callable, Iterator

import torch
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from benchmarks.core import Case, Comparison, Different, Same, Settings, group
from benchmarks.paper_network import (
    PaperBiSeNet,
    load_plugin_weights,
    paper_name,
)
from benchmarks.training_loops import (
    PlainTraining,
    Plugin,
    PluginNetwork,
    RandomImages,
    plugin_config,
)
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS

# Largest relative difference of gradients. The order of sums differs, and half
# precision rounds.
TOLERANCE, HALF_TOLERANCE = 1e-4, 0.2
# Heights and widths of the two domains, and images of each in a batch. On a
# GPU they are the paper's.
SIZES = {'cpu': ((360, 640), (256, 512)), 'cuda': ((720, 1280), (512, 1024))}
BATCH_SIZES = {'cpu': 2, 'cuda': 8}
QUICK_SIZES = ((64, 128), (128, 64))


def segmentor_gradients(
    network: nn.Module,
    sgd: torch.optim.Optimizer,
    rename: Callable[[str], str] = str,
) -> dict[str, dict[str, Tensor]]:
    """Read what a first iteration has computed of the segmentor.

    Returns:
        dict[str, dict[str, Tensor]]: Gradients and BatchNorm statistics, by
        name.
    """
    return {
        'gradients of the segmentor': {
            rename(name): sgd.state[parameter]['momentum_buffer'].clone()
            for name, parameter in network.named_parameters()
        },
        'BatchNorm statistics': {
            rename(name): buffer.clone().double()
            for name, buffer in network.named_buffers()
            if 'running_' in name
        },
    }


def first_gradients(
    network: nn.Module,
    sgd: torch.optim.Optimizer,
    discriminator: nn.Module,
    adam: torch.optim.Optimizer,
    rename: Callable[[str], str] = str,
) -> dict[str, dict[str, Tensor]]:
    """Read what a first iteration has computed.

    The first moments of both optimizers are the gradients up to a factor.
    Weights would not do: Adam makes a whole step of the rounding of a tiny
    gradient.

    Returns:
        dict[str, dict[str, Tensor]]: Gradients of both networks and
        BatchNorm statistics, by name.
    """
    return {
        **segmentor_gradients(network, sgd, rename),
        'gradients of the discriminator': {
            str(index): adam.state[parameter]['exp_avg'].clone()
            for index, parameter in enumerate(discriminator.parameters())
        },
    }


def agree_within(tolerance: float) -> Same:
    """Accept parts whose difference is short beside their own length."""

    def same(expected: dict, found: dict) -> str:
        differences = {}
        for part, tensors in expected.items():
            if tensors.keys() != found[part].keys():
                raise Different(f'other {part}')
            one, other = (
                torch.cat([values[key].flatten().double() for key in tensors])
                for values in (tensors, found[part])
            )
            differences[part] = float((one - other).norm() / one.norm())
        text = ', '.join(f'{part} {d:.0e}' for part, d in differences.items())
        text = f'relative difference of {text}'
        if not max(differences.values()) <= tolerance:
            raise Different(text)
        return text

    return same


def prepare_training(device: torch.device) -> None:
    """Check that MMEngine trains on the device."""
    init_default_scope('mmseg')
    if device.type != get_device():
        raise InputError(
            f'--device {device.type} cannot time training where MMEngine '
            f'trains on {get_device()}: hide that, as CUDA_VISIBLE_DEVICES= '
            'hides GPUs.'
        )


def adversary_result(
    plugin: Plugin, rename: Callable[[str], str] = str
) -> dict:
    """What a first adversarial iteration has computed."""
    return first_gradients(
        plugin.runner.model,
        plugin.runner.optim_wrapper.optimizer,
        plugin.hook.discriminator,
        plugin.hook.optim_wrapper.optimizer,
        rename,
    )


@group('training')
def training(settings: Settings) -> Iterator[Comparison]:
    """Compare an iteration on a batch of each domain, at growing sizes."""
    device = settings.device
    prepare_training(device)
    batch = BATCH_SIZES[device.type]
    sizes = QUICK_SIZES if settings.quick else SIZES[device.type]
    for divisor in (2, 1) if settings.quick else (4, 2, 1):
        shrunk = tuple(tuple(n // divisor for n in size) for size in sizes)
        with tempfile.TemporaryDirectory() as work_dir:
            yield iteration(settings, shrunk, batch, work_dir)
    if device.type == 'cuda':
        with tempfile.TemporaryDirectory() as work_dir:
            yield iteration(settings, sizes, batch, work_dir, amp=True)


def iteration(
    settings: Settings,
    sizes: tuple,
    batch: int,
    work_dir: str,
    amp: bool = False,
) -> Comparison:
    """Compare the textbook's loop and the plugin's from the same weights."""
    device = settings.device
    source, target = (
        RandomImages(size, batch, seed) for seed, size in enumerate(sizes)
    )
    plugin = Plugin(plugin_config(sizes, batch, work_dir, amp))
    segmentor = plugin.runner.model
    discriminator = plugin.hook.discriminator
    paper = PaperBiSeNet()
    load_plugin_weights(paper, segmentor)
    again = MODELS.build(plugin.runner.cfg.model)
    again.load_state_dict(segmentor.state_dict())
    plain, shared = (
        PlainTraining(network, source, target, device, amp)
        for network in (paper, PluginNetwork(again))
    )
    state = {
        name.removeprefix('layers.'): value
        for name, value in discriminator.state_dict().items()
    }

    def textbook(name: str, loop: PlainTraining, rename=str) -> Case:
        loop.discriminator.load_state_dict(state)
        parts = loop.network, loop.sgd, loop.discriminator, loop.adam
        return Case(
            name,
            loop.iterate,
            result=lambda: first_gradients(*parts, rename),
        )

    def renamed(name: str) -> str:
        return paper_name(name.removeprefix('segmentor.'))

    (h, w), (th, tw) = sizes
    full = sizes in (SIZES[device.type], QUICK_SIZES)
    precision = ', AMP fp16' if amp else ''
    return Comparison(
        f'Adversarial iteration{precision}, {batch} source images of {h} x '
        f'{w} and {batch} of the target of {th} x {tw}',
        textbook("textbook loop, the paper's network", plain),
        [
            textbook("textbook loop, the plugin's network", shared, renamed),
            Case(
                'mmseg_da.AdversarialHook',
                plugin.step,
                result=lambda: adversary_result(plugin, paper_name),
                goal=0.7 if full else None,
                memory_goal=0.6 if full else None,
            ),
        ],
        same=agree_within(HALF_TOLERANCE if amp else TOLERANCE),
        profile='mmseg_da.AdversarialHook' if full else '',
        family='' if amp else 'Adversarial iteration',
        axis='' if amp else 'source pixels in a batch',
        at=None if amp else batch * h * w,
    )
