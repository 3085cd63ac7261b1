"""The demo's configs train."""

from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner
from tiny_data import write_image, write_label

from mmseg_da.utils import load_config

CONFIGS = Path(__file__).parents[1] / 'configs/demo'
DEMOS = sorted(path.stem for path in CONFIGS.glob('*.py'))


@pytest.fixture
def tiny_demo(tmp_path) -> Path:
    """Four 64x32 images of each part of the demo data."""
    root = tmp_path / 'demo'
    for i in range(1, 5):
        write_image(root / f'gta5/images/{i:05d}.png', i, (64, 32))
        write_label(root / f'gta5/labels/{i:05d}.png', 6 + i, 'P', (64, 32))
        for split in ('train', 'train_labelled', 'val'):
            stem = f'{split}/ulm/ulm_{i:06d}_000019'
            image = f'cityscapes/leftImg8bit/{stem}_leftImg8bit.png'
            write_image(root / image, 9 + i, (64, 32))
            if split != 'train':
                label = f'cityscapes/gtFine/{stem}_gtFine_labelIds.png'
                write_label(root / label, 6 + i, size=(64, 32))
    return root


@pytest.mark.parametrize('name', DEMOS)
def test_demo_trains_an_iteration(name, tiny_demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/demo').symlink_to(tiny_demo)
    options = {
        'work_dir': str(tmp_path / 'work'),
        'experiment_name': name,
        'train_cfg.max_iters': 1,
        'train_cfg.val_interval': 1,
        # Which is longer than one iteration.
        'param_scheduler': None,
        'train_dataloader.batch_size': 2,
        'visualizer.vis_backends': [dict(type='LocalVisBackend')],
        # Weights of 100 MB, twice.
        'default_hooks.checkpoint': None,
    }
    for loader in ('train', 'val'):
        options[f'{loader}_dataloader.num_workers'] = 0
        options[f'{loader}_dataloader.persistent_workers'] = False
        options[f'{loader}_dataloader.dataset.img_scale'] = (64, 32)
    if name == 'bisenet_adv':
        key = 'default_hooks.adversarial.target_dataloader.dataset.img_scale'
        options[key] = (64, 32)
    runner = Runner.from_cfg(load_config(CONFIGS / f'{name}.py', options))
    before = runner.model.decode_head.conv_seg.weight.detach().clone()
    runner.train()
    after = runner.model.decode_head.conv_seg.weight
    assert not torch.equal(before, after)
    assert torch.isfinite(after).all()
    scalars = runner.message_hub.log_scalars
    assert 0 <= scalars['val/mIoU'].current() <= 100
    for loss, names in {
        'adv': {'bisenet_adv', 'bisenet_adversarial'},
        'masked': {'bisenet_adapted', 'bisenet_control'},
    }.items():
        assert (f'train/loss_{loss}' in scalars) == (name in names)
