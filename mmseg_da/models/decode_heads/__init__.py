from mmseg_da.models.decode_heads.bisenet_head import BiSeNetHead
from mmseg_da.models.decode_heads.deeplabv2_head import DeepLabV2Head

__all__ = ['BiSeNetHead', 'DeepLabV2Head']
