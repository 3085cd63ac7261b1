"""The networks of the inference benchmarks, and how their results agree."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmseg
import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from benchmarks.core import (
    Case,
    Different,
    Same,
    Settings,
    Skipped,
    zip_leaves,
)
from benchmarks.paper_network import PaperBiSeNet, load_plugin_weights
from mmseg_da.apis import build_segmentor
from mmseg_da.apis.data import image_pipeline
from mmseg_da.deploy.export import export_network
from mmseg_da.deploy.runtimes import OnnxNetwork, OpenVinoNetwork
from mmseg_da.errors import InputError
from mmseg_da.utils.checkpoint import load_weights
from mmseg_da.utils.config import REPO_ROOT, load_config
from street_renderer.write import draw

CONFIG = REPO_ROOT / 'configs/da/bisenet_adv_gta2cs.py'
MMSEG_CONFIG = (
    '.mim/configs/bisenetv1/'
    'bisenetv1_r18-d32_4xb4-160k_cityscapes-1024x1024.py'
)
RUNTIMES = {'onnx': OnnxNetwork, 'openvino': OpenVinoNetwork}
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def config_for(shape: tuple[int, int]) -> Config:
    """Load the main config with another size of the test images."""
    cfg = load_config(CONFIG)
    cfg.test_dataloader.dataset.img_scale = shape[::-1]
    cfg.test_pipeline = image_pipeline(cfg)
    return cfg


def networks(settings: Settings) -> tuple[nn.Module, nn.Module]:
    """Build the paper's network and the plugin's with the same weights.

    They are random unless the settings name a checkpoint.
    """
    torch.manual_seed(0)
    ours = build_segmentor(load_config(CONFIG))
    ours.auxiliary_head = None
    if settings.checkpoint is not None:
        load_weights(ours, settings.checkpoint)
    else:
        for module in ours.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    paper = PaperBiSeNet().eval()
    del paper.supervision_16, paper.supervision_32
    load_plugin_weights(paper, ours)
    return paper.to(settings.device), ours.to(settings.device)


def mmseg_bisenet(device: torch.device) -> nn.Module:
    """Build MMSegmentation's BiSeNetV1-R18 from the config that it ships."""
    cfg = Config.fromfile(Path(mmseg.__file__).parent / MMSEG_CONFIG)
    # The config's size is that of training crops.
    cfg.model.data_preprocessor = load_config(CONFIG).model.data_preprocessor
    return build_segmentor(cfg).to(device)


def street(shape: tuple[int, int], index: int = 0) -> np.ndarray:
    """Render a street as a dash camera sees it, BGR, uint8."""
    image, _ = draw(0, 'val', index, shape[::-1])
    return np.ascontiguousarray(image[..., ::-1])


def normalise(images: np.ndarray, device: torch.device) -> Tensor:
    """Normalise BGR images ``(N, H, W, 3)`` in plain torch."""
    rgb = torch.from_numpy(images[..., ::-1].copy()).to(device)
    x = rgb.permute(0, 3, 1, 2).float()
    mean, std = (
        torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD)
    )
    return ((x - mean) / std).contiguous()


def exported(
    network: nn.Module,
    folder: str | Path,
    format: str,
    precision: str,
    shape: tuple[int, int],
    calibration: list[Tensor] = (),
) -> Callable[[Tensor], Tensor]:
    """Export a network and load it by its runtime."""
    suffix = {'onnx': 'onnx', 'openvino': 'xml'}[format]
    path = Path(folder) / f'{type(network).__name__}_{precision}.{suffix}'
    export_network(
        network, path, format, precision, shape, calibration=calibration
    )
    return RUNTIMES[format](path)


def attempt(
    name: str, build: Callable[[], Callable[[], Any]], **kwargs
) -> Case:
    """Make a case, which is skipped if it cannot be built."""
    try:
        return Case(name, build(), **kwargs)
    except InputError as error:
        reason = str(error)

    def skip():
        raise Skipped(reason)

    return Case(name, skip, **kwargs)


def agreement(least: float) -> Same:
    """Accept class maps of which at least a share of the pixels is equal."""

    def same(expected: Any, found: Any) -> str:
        pairs = list(zip_leaves(expected, found))
        equal = sum((one == other).sum() for one, other in pairs)
        share = equal / sum(one.size for one, _ in pairs)
        text = f'{100 * share:.3f} % of the pixels equal'
        if share < least:
            raise Different(f'{text}, not {100 * least:g} %')
        return text

    return same


def same_logits(difference: float, least: float) -> Same:
    """Accept logits that differ by a share of the largest one, at most."""
    classes = agreement(least)

    def same(expected: Tensor, found: Tensor) -> str:
        found = found.float()
        largest = expected.abs().max().item()
        error = (found - expected).abs().max().item()
        if not error <= difference * max(1, largest):
            raise Different(f'logits of {largest:.1f} differ by {error:.1e}')
        return (
            f'logits within {error:.1e} of {largest:.1f}, '
            f'{classes(expected.argmax(1), found.argmax(1))}'
        )

    return same


def another_network(expected: Any, found: Any) -> str:
    """Accept any result: only the time of this network is compared."""
    return 'another network'
