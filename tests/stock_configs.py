"""MMSegmentation's own configs, which no check of ours may refuse."""

from pathlib import Path

import mmseg
import pytest
from mmengine.config import Config

from mmseg_da.utils import load_config

STOCK = Path(mmseg.__file__).parent / '.mim/configs'
NAMES = [
    'bisenetv2/bisenetv2_fcn_4xb4-amp-160k_cityscapes-1024x1024',
    'ddrnet/ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024',
    'deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024',
    'knet/knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512',
    # A top-level key that nothing is built from, of no known type.
    'mobilenet_v3/mobilenet-v3-d8_lraspp_4xb4-320k_cityscapes-512x1024',
    'ocrnet/ocrnet_hr18_4xb2-40k_cityscapes-512x1024',
    'pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes',
    'point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024',
    'segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024',
    'segnext/segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512',
    # An auxiliary head for edges, of 2 classes.
    'stdc/stdc1_4xb12-80k_cityscapes-512x1024',
    'stdc/stdc2_in1k-pre_4xb12-80k_cityscapes-512x1024',
    'swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512',
    # Albumentations' transforms in Albu.
    'swin/swin-tiny-patch4-window7_upernet_1xb8-20k_levir-256x256',
    'vpd/vpd_sd_4xb8-25k_nyu-480x480',
    'unet/unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64',
]


def stock(name: str) -> Config:
    path = STOCK / f'{name}.py'
    if not path.is_file():
        pytest.skip(f'this MMSegmentation ships no {name}')
    return load_config(path)
