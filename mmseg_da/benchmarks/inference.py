"""From a normalised image in memory to logits, and to class maps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from mmengine.config import Config
from torch import nn

from ..analysis.complexity import count_macs, image_metas
from ..analysis.models import build_for_inference
from ..utils.config import REPO_ROOT
from .core import Case, Comparison, Settings, close, group
from .paper_network import PaperBiSeNet, load_plugin_weights

CONFIG = REPO_ROOT / 'configs/_base_/models/bisenet_r18.py'


def networks(device: torch.device) -> tuple[nn.Module, nn.Module]:
    """The paper's network and the plugin's with the same random weights."""
    torch.manual_seed(0)
    ours, _ = build_for_inference(Config.fromfile(CONFIG))
    for module in ours.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    paper = PaperBiSeNet().eval()
    del paper.supervision_16, paper.supervision_32
    load_plugin_weights(paper, ours)
    return paper.to(device), ours.to(device)


@group('inference')
def inference(settings: Settings) -> Iterator[Comparison]:
    """The network alone: image tensor to full-resolution logits."""
    device = settings.device
    shapes = [(64, 128)] if settings.quick else [(512, 1024)]
    for shape in shapes:
        paper, ours = networks(device)
        image = torch.randn(1, 3, *shape, device=device)
        metas = image_metas(shape)

        @torch.inference_mode()
        def run_paper(paper=paper, image=image):
            return paper(image)

        @torch.inference_mode()
        def run_ours(ours=ours, image=image, metas=metas):
            return ours.encode_decode(image, metas)

        yield Comparison(
            f'BiSeNet-R18, 1 x 3 x {shape[0]} x {shape[1]}, to logits',
            Case("paper's network, plain torch", run_paper),
            [Case('MMSegmentation segmentor', run_ours)],
            same=close(1e-4, relative=True),
            macs=count_macs(ours, shape),
        )
