from mmseg_da.models.backbones.bisenet import BiSeNet
from mmseg_da.models.backbones.deeplabv2_resnet import DeepLabV2ResNet

__all__ = ['BiSeNet', 'DeepLabV2ResNet']
