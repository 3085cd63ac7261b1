from .bisenet_head import BiSeNetHead
from .deeplabv2_head import DeepLabV2Head

__all__ = ['BiSeNetHead', 'DeepLabV2Head']
