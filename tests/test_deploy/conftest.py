"""A narrow BiSeNet whose logits vary, and a config and checkpoint of it."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from toy import CONFIGS, bisenet_cfg

from mmseg_da.registry import MODELS


def _shake(module: torch.nn.Module) -> None:
    """Give BatchNorm layers and biases something to fold."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.5, 2)
            torch.nn.init.uniform_(part.running_var, 0.5, 2)
            torch.nn.init.normal_(part.running_mean, 0, 0.1)
        if getattr(part, 'bias', None) is not None:
            torch.nn.init.normal_(part.bias, 0, 0.1)


@pytest.fixture(scope='session')
def shake():
    return _shake


@pytest.fixture(scope='session')
def segmentor():
    """Not to be changed."""
    init_default_scope('mmseg')
    model = MODELS.build(bisenet_cfg(8))
    _shake(model)
    return model.eval()


@pytest.fixture(scope='session')
def trained(segmentor, tmp_path_factory):
    """Config and checkpoint files; images are resized to 128x64."""
    folder = tmp_path_factory.mktemp('trained')
    cfg = Config.fromfile(CONFIGS / 'da/bisenet_adv_gta2cs.py')
    cfg.model = bisenet_cfg(8)
    cfg.test_dataloader.dataset.img_scale = (128, 64)
    cfg.dump(folder / 'config.py')
    torch.save(
        {'state_dict': segmentor.state_dict(), 'meta': {}},
        folder / 'weights.pth',
    )
    return str(folder / 'config.py'), str(folder / 'weights.pth')
