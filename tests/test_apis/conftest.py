"""A narrow BiSeNet of three classes, its config and its checkpoint."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_data import write_image, write_label
from toy import CONFIGS, bisenet_cfg

from mmseg_da.apis import build_segmentor

CLASSES = ('road', 'car', 'sky')


@pytest.fixture(scope='session')
def frames(tmp_path_factory) -> Path:
    """Two labelled frames in the layout of Cityscapes' val."""
    root = tmp_path_factory.mktemp('cityscapes')
    for i in range(2):
        stem = f'val/ulm/ulm_{i}'
        image = root / f'leftImg8bit/{stem}_leftImg8bit.png'
        write_image(image, i, (128, 64))
        label = root / f'gtFine/{stem}_gtFine_labelIds.png'
        write_label(label, np.repeat([7, 23], 64), size=(128, 64))
    return root


@pytest.fixture(scope='session')
def trained(frames: Path, tmp_path_factory) -> tuple[str, str]:
    """Config and checkpoint; images are resized to 96x64."""
    folder = tmp_path_factory.mktemp('trained')
    cfg = Config.fromfile(CONFIGS / 'da/bisenet_adv_gta2cs.py')
    cfg.model = bisenet_cfg(8, len(CLASSES))
    cfg.test_dataloader.dataset.update(
        img_scale=(96, 64),
        data_root=str(frames),
        metainfo=dict(classes=CLASSES),
    )
    cfg.dump(folder / 'config.py')
    torch.manual_seed(0)
    model = build_segmentor(cfg)
    with torch.no_grad():
        # Centred logits, so that every class wins somewhere.
        logits = model(torch.randn(1, 3, 64, 96))
        model.decode_head.conv_seg.weight *= 1000
        model.decode_head.conv_seg.bias -= 1000 * logits.mean((0, 2, 3))
    torch.save({'state_dict': model.state_dict()}, folder / 'weights.pth')
    return str(folder / 'config.py'), str(folder / 'weights.pth')
