from mmseg_da.models.bisenet import BiSeNet, BiSeNetHead
from mmseg_da.models.deeplabv2 import DeepLabV2Head, DeepLabV2ResNet
from mmseg_da.models.fc_discriminator import FCDiscriminator
from mmseg_da.models.losses import *  # noqa: F403
from mmseg_da.models.post_processing import CRFEncoderDecoder

__all__ = [
    'BiSeNet',
    'BiSeNetHead',
    'CRFEncoderDecoder',
    'DeepLabV2Head',
    'DeepLabV2ResNet',
    'FCDiscriminator',
]
