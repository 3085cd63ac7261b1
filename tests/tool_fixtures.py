"""A whole training config on tiny files, and the tools run in this process."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from tiny_data import write_image, write_label

ROOT = Path(__file__).parents[1]
CONFIG = """
_base_ = {root!r} + '/configs/demo/bisenet_adv.py'
model = dict(
    backbone=dict(
        context_path=dict(base_channels=8, stem_channels=8),
        context_channels=(32, 64), spatial_channels=(8, 16, 32)),
    decode_head=dict(in_channels=(32, 32, 64)),
    auxiliary_head=None)
loader = dict(
    batch_size=2, num_workers=0, persistent_workers=False,
    dataset=dict(img_scale=(64, 32), data_root={data!r} + '/cityscapes'))
train_dataloader = dict(
    loader, dataset=dict(loader['dataset'], data_root={data!r} + '/gta5'))
val_dataloader = loader
test_dataloader = loader
train_cfg = dict(max_iters=2, val_interval=2)
default_hooks = dict(
    checkpoint=dict(interval=2),
    adversarial=dict(
        discriminator=dict(base_channels=4),
        target_dataloader=dict(dataset=loader['dataset'])))
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
log_level = 'ERROR'
env_cfg = dict(cudnn_benchmark=False)
"""


@pytest.fixture(autouse=True, scope='session')
def _plain_dumps() -> Iterator[None]:
    """Configs are dumped as they are: laying them out takes seconds."""
    with patch(
        'yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, False)
    ):
        yield


@pytest.fixture(scope='session')
def data(tmp_path_factory) -> Path:
    """Four source, two target and two validation images."""
    folder = tmp_path_factory.mktemp('data')
    for i in range(4):
        write_image(folder / f'gta5/images/{i:05d}.png', i)
        write_label(folder / f'gta5/labels/{i:05d}.png', [[7] * 15 + [26]])
    city = folder / 'cityscapes'
    for split in ('train', 'val'):
        for i in range(2):
            stem = f'{split}/ulm/ulm_{i}'
            image = city / f'leftImg8bit/{stem}_leftImg8bit.png'
            write_image(image, 10 + i)
    for i in range(2):
        stem = f'val/ulm/ulm_{i}'
        label = city / f'gtFine/{stem}_gtFine_labelIds.png'
        write_label(label, [[7] * 15 + [26]])
    return folder


@pytest.fixture(scope='session')
def config(data: Path) -> Path:
    path = data / 'tiny.py'
    path.write_text(CONFIG.format(root=str(ROOT), data=str(data)))
    return path


@pytest.fixture(scope='session')
def tools() -> dict:
    """The mains of the tools, by name."""
    names = ('train', 'test', 'adapt_bn', 'pseudo_label', 'infer')
    names += ('analysis/qualitative',)
    return {
        Path(name).name: runpy.run_path(str(ROOT / f'tools/{name}.py'))['main']
        for name in names
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty current folder."""
    path = tmp_path / 'here'
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture(scope='session')
def checkpoint(config: Path, tools: dict, tmp_path_factory) -> Path:
    """Two iterations of training, and what they wrote."""
    work_dir = tmp_path_factory.mktemp('trained')
    tools['train']([str(config), '--work-dir', str(work_dir)])
    return work_dir / 'iter_2.pth'
