from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import kaiming_init
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmseg_da.models.backbones.bisenet import KAIMING_FAN_IN
from mmseg_da.registry import MODELS


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
