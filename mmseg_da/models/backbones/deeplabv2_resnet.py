from mmseg.models.backbones import ResNet

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
