"""The paper's BiSeNet, rewritten to predict faster."""

import torch.nn.functional as F
from mmseg.models.backbones.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from mmseg_da.deploy.packed_conv import PackedConv2d, can_pack
from mmseg_da.models.bisenet import BiSeNet, BiSeNetHead


class ConvReLU(nn.Module):
    """A convolution, an optional residual sum, an optional ReLU."""

    def __init__(self, conv: nn.Conv2d, relu: bool) -> None:
        super().__init__()
        self.conv = conv
        self.relu = relu

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        out = self.conv(x)
        if residual is not None:
            out = out + residual
        return out.relu() if self.relu else out


def conv_relu(conv: nn.Conv2d, relu: bool, pack: bool) -> nn.Module:
    """Join a convolution and its ReLU, packed for oneDNN if possible."""
    if pack and can_pack(conv):
        return PackedConv2d(conv, relu)
    return ConvReLU(conv, relu)


class ResidualBlock(nn.Module):
    """ResNet's basic block. Its last convolution adds the shortcut."""

    def __init__(self, block: BasicBlock, pack: bool) -> None:
        super().__init__()
        self.first = conv_relu(block.conv1, True, pack)
        self.second = conv_relu(block.conv2, True, pack)
        self.shortcut = nn.Identity()
        if block.downsample is not None:
            self.shortcut = conv_relu(block.downsample[0], False, pack)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x), self.shortcut(x))


class LateUpsamplingConv(nn.Module):
    """A 3x3 convolution over maps of several sizes, upsampled late.

    The stock head upsamples all maps to the size of the first, joins them and
    convolves. A 3x3 convolution is a sum over nine taps of a 1x1 convolution
    and a shift, and a 1x1 convolution commutes with bilinear interpolation.
    So the 1x1 convolutions run at each map's own size, only their few output
    channels are upsampled, and ``F.fold`` shifts and sums them. On a map of a
    quarter of the size this is 1/16 of the multiplications, for the same
    function.

    Args:
        conv (nn.Conv2d): 3x3, stride 1, padding 1, over the joined channels.
        channels (Sequence[int]): Channels of each map.
        relu, pack (bool): See :func:`conv_relu`.

    Shape:
        - Input: maps ``(N, channels[i], H_i, W_i)``.
        - Output: ``(N, conv.out_channels, H_0, W_0)``.
    """

    def __init__(
        self, conv: nn.Conv2d, channels, relu: bool, pack: bool
    ) -> None:
        super().__init__()
        self.relu = relu
        weights = conv.weight.detach().split(list(channels), dim=1)
        first = nn.Conv2d(channels[0], conv.out_channels, 3, padding=1)
        first.weight = nn.Parameter(weights[0].clone(), False)
        first.bias = conv.bias
        self.first = conv_relu(first, False, pack)
        # `fold` scatters and a convolution gathers, so the taps are reversed.
        self.others = nn.ModuleList(
            conv_relu(_taps_as_channels(w.flip(2, 3)), False, pack)
            for w in weights[1:]
        )

    def forward(self, maps) -> Tensor:
        out = self.first(maps[0])
        size = out.shape[2:]
        taps = sum(
            F.interpolate(conv(x), size=size, mode='bilinear')
            for conv, x in zip(self.others, maps[1:])
        )
        shifted = F.fold(taps.flatten(2), size, 3, padding=1)
        out = out + shifted
        return out.relu() if self.relu else out


def _taps_as_channels(weight: Tensor) -> nn.Conv2d:
    """Turn a 3x3 kernel into a 1x1 convolution to ``C_out * 9`` channels."""
    c_out, c_in = weight.shape[:2]
    conv = nn.Conv2d(c_in, c_out * 9, 1, bias=False)
    taps = weight.permute(0, 2, 3, 1).reshape(c_out * 9, c_in, 1, 1)
    conv.weight = nn.Parameter(taps.contiguous(), False)
    return conv


def is_plain_bisenet(backbone: nn.Module, head: nn.Module) -> bool:
    """Whether :class:`FastBiSeNet` can compute this network."""
    if type(backbone) is not BiSeNet or type(head) is not BiSeNetHead:
        return False
    resnet = backbone.context_path
    return (
        type(resnet) is ResNet
        and not resnet.deep_stem
        and not resnet.avg_down
        and tuple(resnet.out_indices) == (2, 3)
        and len(resnet.res_layers) == 4
        and resnet.block is BasicBlock
        and type(getattr(head.fuse, 'activate', None)) is nn.ReLU
        # Every norm layer was folded.
        and not any(
            'Norm' in type(module).__name__
            for part in (backbone, head)
            for module in part.modules()
        )
    )


class FastBiSeNet(nn.Module):
    """The function of backbone and decode head: image to logits at 1/8.

    BatchNorm is folded into the convolutions. ``pack`` packs them for oneDNN,
    which needs a CPU.

    Shape:
        - Input: ``(N, 3, H, W)``. Output: ``(N, num_classes, H/8, W/8)``.
    """

    def __init__(
        self, backbone: BiSeNet, head: BiSeNetHead, pack: bool
    ) -> None:
        super().__init__()
        resnet = backbone.context_path
        layers = backbone.spatial_path.layers
        self.spatial = nn.Sequential(
            *(conv_relu(layer.conv, True, pack) for layer in layers)
        )
        stem = conv_relu(resnet.conv1, True, pack)
        self.stem = nn.Sequential(stem, resnet.maxpool)
        stages = (getattr(resnet, name) for name in resnet.res_layers)
        blocks = [
            nn.Sequential(*(ResidualBlock(block, pack) for block in stage))
            for stage in stages
        ]
        self.to_16 = nn.Sequential(*blocks[:3])
        self.to_32 = blocks[3]
        self.refine_16 = backbone.refine_16
        self.refine_32 = backbone.refine_32
        gates = self.refine_16.attention[1], self.refine_32.attention[1]
        channels = [layer.out_channels for layer in (layers[-1], *gates)]
        self.fuse = LateUpsamplingConv(head.fuse.conv, channels, True, pack)
        self.attention = head.attention
        self.classifier = head.conv_seg

    def forward(self, x: Tensor) -> Tensor:
        at_16 = self.to_16(self.stem(x))
        at_32 = self.to_32(at_16)
        tail = at_32.mean(dim=(2, 3), keepdim=True)
        at_16 = self.refine_16(at_16)
        at_32 = self.refine_32(at_32) * tail
        fused = self.fuse([self.spatial(x), at_16, at_32])
        return self.classifier(fused * (self.attention(fused) + 1))
