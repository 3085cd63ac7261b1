from .bisenet import BiSeNet
from .deeplabv2_resnet import DeepLabV2ResNet

__all__ = ['BiSeNet', 'DeepLabV2ResNet']
