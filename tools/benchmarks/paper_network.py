"""The paper's BiSeNet in plain torch, the baseline of the benchmarks.

Written from the paper's description alone, in the paper's order (upsample,
then classify). It uses nothing of the plugin or of MMSegmentation, so that the
tests can compare the plugin's network with it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn_relu(c_in: int, c_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
    )


def bilinear(x: Tensor, size) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode='bilinear')


class BasicBlock(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False),
                nn.BatchNorm2d(c_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(out)) + shortcut).relu()


class ResNet18(nn.Module):
    """ResNet-18 that returns the maps at 1/16 and 1/32."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        c_in = width
        for stage in range(4):
            c_out = width * 2**stage
            layer = nn.Sequential(
                BasicBlock(c_in, c_out, 1 if stage == 0 else 2),
                BasicBlock(c_out, c_out, 1),
            )
            self.add_module(f'layer{stage + 1}', layer)
            c_in = c_out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        at_16 = self.layer3(self.layer2(self.layer1(x)))
        return at_16, self.layer4(at_16)


class ARM(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        average = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.bn(self.conv(average)))


class FFM(nn.Module):
    def __init__(self, c_in: int, num_classes: int) -> None:
        super().__init__()
        self.block = conv_bn_relu(c_in, num_classes, 1)
        self.conv1 = nn.Conv2d(num_classes, num_classes, 1)
        self.conv2 = nn.Conv2d(num_classes, num_classes, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        feature = self.block(torch.cat(maps, dim=1))
        average = feature.mean(dim=(2, 3), keepdim=True)
        gate = torch.sigmoid(self.conv2(self.conv1(average).relu()))
        return feature * gate + feature


class PaperBiSeNet(nn.Module):
    """BiSeNet-ResNet18 of the paper.

    Args:
        num_classes (int): Number of classes.
        width (int): Channels of the first layer of either path.

    Shape:
        - Input: ``(N, 3, H, W)``, and the size of the logits, by default
          8 times the size of the 1/8 maps.
        - Output: logits, and in training, unless ``main_only``, those of the
          two auxiliary heads.
    """

    def __init__(self, num_classes: int = 19, width: int = 64) -> None:
        super().__init__()
        self.spatial_path = nn.Sequential(
            conv_bn_relu(3, width, 2),
            conv_bn_relu(width, width * 2, 2),
            conv_bn_relu(width * 2, width * 4, 2),
        )
        self.context_path = ResNet18(width)
        self.arm_16 = ARM(width * 4)
        self.arm_32 = ARM(width * 8)
        self.ffm = FFM(width * 16, num_classes)
        self.classifier = nn.Conv2d(num_classes, num_classes, 1)
        self.supervision_16 = nn.Conv2d(width * 4, num_classes, 1)
        self.supervision_32 = nn.Conv2d(width * 8, num_classes, 1)

    def forward(
        self, x: Tensor, size: tuple | None = None, main_only: bool = False
    ):
        spatial = self.spatial_path(x)
        at_16, at_32 = self.context_path(x)
        tail = at_32.mean(dim=(2, 3), keepdim=True)
        at_8 = spatial.shape[2:]
        size = size or [8 * length for length in at_8]
        refined_16 = bilinear(self.arm_16(at_16), at_8)
        refined_32 = bilinear(self.arm_32(at_32) * tail, at_8)
        fused = self.ffm(spatial, refined_16, refined_32)
        logits = self.classifier(bilinear(fused, size))
        if not self.training:
            return logits
        if main_only:
            return (logits,)
        return (
            logits,
            self.supervision_16(bilinear(refined_16, size)),
            self.supervision_32(bilinear(refined_32, size)),
        )


# Prefixes of the plugin's names and of the names here; the first match counts.
NAMES = {
    'backbone.spatial_path.layers.': 'spatial_path.',
    'backbone.context_path.': 'context_path.',
    'backbone.refine_16.attention.1.': 'arm_16.',
    'backbone.refine_32.attention.1.': 'arm_32.',
    'decode_head.fuse.': 'ffm.block.',
    'decode_head.attention.1.': 'ffm.conv1.',
    'decode_head.attention.3.': 'ffm.conv2.',
    'decode_head.conv_seg.': 'classifier.',
    'auxiliary_head.0.conv_seg.': 'supervision_16.',
    'auxiliary_head.1.conv_seg.': 'supervision_32.',
}


def paper_name(name: str) -> str:
    """Translate the name of a parameter or buffer of the plugin's model."""
    prefix = next(prefix for prefix in NAMES if name.startswith(prefix))
    name = NAMES[prefix] + name[len(prefix) :]
    if name.startswith(('spatial_path.', 'ffm.block.')):
        name = name.replace('.conv.', '.0.').replace('.bn.', '.1.')
    return name


def load_plugin_weights(network: PaperBiSeNet, segmentor: nn.Module) -> None:
    """Copy all weights of the plugin's segmentor."""
    state = segmentor.state_dict()
    network.load_state_dict(
        {paper_name(name): value for name, value in state.items()}
    )
