from collections.abc import Sequence

from mmseg.models.backbones import ResNet
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmseg_da.registry import MODELS


@MODELS.register_module()
class DeepLabV2ResNet(ResNet):
    """MMSegmentation's ResNet whose stem pools with ``ceil_mode=True``.

    The stem of DeepLab's Caffe networks, one row and column larger than
    torchvision's wherever the image's size is a multiple of 4. All else
    of DeepLabV2 (strides, dilations, frozen BN affine) is a setting.

    Args:
        kwargs: See :class:`mmseg.models.ResNet`.
    """

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        super()._make_stem_layer(in_channels, stem_channels)
        self.maxpool.ceil_mode = True


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """Atrous spatial pyramid of classifiers: parallel dilated 3x3
    convolutions straight to the classes, summed ("DeepLab", Chen et al.,
    TPAMI 2018, section 3.2 and Figure 7).

    Args:
        in_channels (int): Channels of the backbone's last map.
        num_classes (int): Number of classes.
        dilations (Sequence[int]): Dilation of each convolution.
            Defaults to (6, 12, 18, 24): ASPP-L.
        kwargs: See :class:`mmseg.models.decode_heads.BaseDecodeHead`.

    Shape:
        - Input: maps, of which the one at ``in_index`` is
          ``(N, in_channels, H/8, W/8)``.
        - Output: logits ``(N, num_classes, H/8, W/8)``.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        num_classes: int,
        dilations: Sequence[int] = (6, 12, 18, 24),
        **kwargs,
    ) -> None:
        super().__init__(
            in_channels,
            channels=num_classes,
            num_classes=num_classes,
            init_cfg=dict(type='Normal', layer='Conv2d', std=0.01),
            **kwargs,
        )
        # The pyramid classifies by itself.
        del self.conv_seg
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, self.out_channels, 3, 1, d, d)
            for d in dilations
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the logits of the map at ``in_index``."""
        feature = self._transform_inputs(inputs)
        if self.dropout is not None:
            feature = self.dropout(feature)
        logits = self.branches[0](feature)
        for branch in self.branches[1:]:
            logits = logits + branch(feature)
        return logits
