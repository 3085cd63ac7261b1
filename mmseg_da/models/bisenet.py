"""The paper's BiSeNet: spatial path beside a ResNet context path, and head.

The network of "Real-time Domain Adaptation in Semantic Segmentation",
section 2.2, after "BiSeNet: Bilateral Segmentation Network for Real-time
Semantic Segmentation" (ECCV 2018). It is not MMSegmentation's BiSeNetV1: the
two refined context maps are concatenated at 1/8 instead of summed top-down,
and the global average multiplies the deepest map.
"""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, kaiming_init
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmseg_da.registry import MODELS

KAIMING_FAN_IN = dict(
    type='Kaiming', layer='Conv2d', mode='fan_in', nonlinearity='relu'
)


class AttentionRefinementModule(BaseModule):
    """Weights each channel by what its global average says (ARM).

    Pool -> 1x1 convolution with bias -> BN -> sigmoid -> multiply.

    Shape:
        - Input and output: ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int, norm_cfg: dict) -> None:
        super().__init__(init_cfg=KAIMING_FAN_IN)
        layers = dict(norm_cfg=norm_cfg, act_cfg=dict(type='Sigmoid'))
        gate = ConvModule(channels, channels, 1, bias=True, **layers)
        self.attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), gate)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.attention(x)


class SpatialPath(BaseModule):
    """Three 3x3 stride-2 conv-BN-ReLU: detail at 1/8 of the image's size.

    Shape:
        - Input: ``(N, 3, H, W)``. Output: ``(N, channels[-1], H/8, W/8)``.
    """

    def __init__(self, channels: Sequence[int], norm_cfg: dict) -> None:
        super().__init__(init_cfg=KAIMING_FAN_IN)
        widths = [3, *channels]
        layers = (
            ConvModule(c_in, c_out, 3, 2, 1, norm_cfg=norm_cfg)
            for c_in, c_out in zip(widths, channels)
        )
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@MODELS.register_module()
class BiSeNet(BaseModule):
    """Spatial path and context path of the paper's BiSeNet.

    Args:
        context_path (dict): Config of the context backbone. It must return
            the maps at 1/16 and 1/32.
        context_channels (Sequence[int]): Channels of these two maps.
            Defaults to (256, 512), a ResNet-18's.
        spatial_channels (Sequence[int]): Channels of the spatial path's three
            layers. Defaults to (64, 128, 256).
        norm_cfg (dict): Config of the norm layers outside the context
            backbone. Defaults to dict(type='BN').

    Shape:
        - Input: ``(N, 3, H, W)``.
        - Output: a tuple of three maps at 1/8 (rounded up): spatial path,
          refined 1/16 map, refined 1/32 map times its global average.
    """

    def __init__(
        self,
        context_path: dict,
        context_channels: Sequence[int] = (256, 512),
        spatial_channels: Sequence[int] = (64, 128, 256),
        norm_cfg: dict = dict(type='BN'),
    ) -> None:
        super().__init__()
        self.spatial_path = SpatialPath(spatial_channels, norm_cfg)
        self.context_path = MODELS.build(context_path)
        at_16, at_32 = context_channels
        self.refine_16 = AttentionRefinementModule(at_16, norm_cfg)
        self.refine_32 = AttentionRefinementModule(at_32, norm_cfg)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        spatial = self.spatial_path(x)
        context_16, context_32 = self.context_path(x)
        tail = torch.mean(context_32, dim=(2, 3), keepdim=True)
        context_16 = self.refine_16(context_16)
        context_32 = self.refine_32(context_32) * tail
        size = spatial.shape[2:]
        return (
            spatial,
            resize(context_16, size=size, mode='bilinear'),
            resize(context_32, size=size, mode='bilinear'),
        )


@MODELS.register_module()
class BiSeNetHead(BaseDecodeHead):
    """Feature Fusion Module and 1x1 classifier at 1/8 of the image's size.

    3x3 conv-BN-ReLU on the concatenated maps, then ``f * a + f`` with the
    attention ``a`` of a pooled two-layer gate (BiSeNet, ECCV 2018, Figure 2c).

    The paper upsamples by 8 and then classifies. A 1x1 convolution commutes
    with bilinear interpolation (whose weights sum to 1, so the bias passes
    too): here it runs before, the same function for 1/64 of its work.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's maps, all at
            one size.
        kwargs: See :class:`mmseg.models.decode_heads.BaseDecodeHead`. The
            paper fuses straight into ``channels = num_classes``.

    Shape:
        - Input: maps ``(N, in_channels[i], H/8, W/8)``.
        - Output: logits ``(N, num_classes, H/8, W/8)``.
    """

    def __init__(self, in_channels: Sequence[int], **kwargs) -> None:
        super().__init__(
            in_channels=in_channels,
            in_index=list(range(len(in_channels))),
            input_transform='resize_concat',
            init_cfg=KAIMING_FAN_IN,
            **kwargs,
        )
        layers = dict(norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.fuse = ConvModule(
            self.in_channels, self.channels, 3, padding=1, **layers
        )
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(self.channels, self.channels, 1),
            nn.ReLU(),
            nn.Conv2d(self.channels, self.channels, 1),
            nn.Sigmoid(),
        )

    def init_weights(self) -> None:
        super().init_weights()
        # ConvModule has overwritten this one with its own, fan-out.
        kaiming_init(self.fuse.conv, mode='fan_in')

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        fused = self.fuse(torch.cat(list(inputs), dim=1))
        return self.cls_seg(fused * self.attention(fused) + fused)
