"""tools/adapt_bn.py against statistics computed by hand, and bad inputs."""

from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from tiny_data import write_image
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_da.apis import build_segmentor
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils import load_config
from mmseg_da.utils.safe_load import load_file

TARGET = 'default_hooks.adversarial.target_dataloader'
STATISTICS = ('running_mean', 'running_var', 'num_batches_tracked')
NUM_IMAGES = 5  # Two batches of two; the last image is left out.


@pytest.fixture(scope='module')
def target(tmp_path_factory) -> Path:
    """Target images of the layout of Cityscapes."""
    root = tmp_path_factory.mktemp('target')
    for i in range(NUM_IMAGES):
        name = f'leftImg8bit/train/ulm/ulm_{i}_leftImg8bit.png'
        write_image(root / name, 20 + i)
    return root


@pytest.fixture
def adapt(tools, config: Path, folder: Path, target: Path):
    """Runs the tool on ``a.pth``, the source's weights."""
    # Of pooled maps, BatchNorm sees one value an image here: with some weights
    # the two nearly agree, and rounding is most of their difference.
    torch.manual_seed(3)
    model = build_segmentor(load_config(config))
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean.fill_(3)
            module.running_var.fill_(7)
            module.num_batches_tracked.fill_(9)
    meta = {'dataset_meta': {'classes': ('road', 'car')}, 'iter': 7}
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, 'a.pth')

    def run(*options: str, out: str = '') -> None:
        words = [str(config), 'a.pth', *(['--out', out] if out else [])]
        root = f'{TARGET}.dataset.data_root={target}'
        tools['adapt_bn']([*words, '--cfg-options', root, *options])

    return run


def cumulative_statistics(
    config: Path, target: Path, batch_size: int, indices=range(NUM_IMAGES)
) -> dict:
    """Mean and variance of each BatchNorm's input, averaged over batches."""
    cfg = load_config(config)
    model = build_segmentor(cfg)
    model.load_state_dict(load_file('a.pth')['state_dict'])
    model.train().double()
    found: dict[str, list] = {}

    def keep(name: str):
        def hook(_, inputs: tuple) -> None:
            flat = inputs[0].transpose(0, 1).flatten(1).double()
            mean = flat.sum(1) / flat.shape[1]
            squares = (flat - mean[:, None]).square().sum(1)
            found.setdefault(f'{name}.running_mean', []).append(mean)
            found.setdefault(f'{name}.running_var', []).append(
                squares / (flat.shape[1] - 1)
            )

        return hook

    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            module.register_forward_pre_hook(keep(name))
    dataset_cfg = cfg.default_hooks.adversarial.target_dataloader.dataset
    dataset = DATASETS.build(dict(dataset_cfg, data_root=str(target)))
    with torch.no_grad():
        for start in range(0, len(indices) - batch_size + 1, batch_size):
            chosen = indices[start : start + batch_size]
            samples = [dataset[i] for i in chosen]
            batch = model.data_preprocessor(pseudo_collate(samples), True)
            model(batch['inputs'].double())
    return {name: torch.stack(rows).mean(0) for name, rows in found.items()}


def test_only_statistics_change_and_are_the_targets(
    adapt, config: Path, target: Path
) -> None:
    adapt()
    before, after = (
        load_file(name)['state_dict'] for name in ('a.pth', 'a_bn.pth')
    )
    assert before.keys() == after.keys()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed == {k for k in before if k.endswith(STATISTICS)}
    expected = cumulative_statistics(config, target, 2)
    assert len(expected) * 3 == len(changed) * 2 > 0
    for name, value in expected.items():
        assert torch.allclose(after[name].double(), value, 1e-4, 1e-5), name
    counts = {k: v for k, v in after.items() if k.endswith(STATISTICS[2])}
    assert {int(count) for count in counts.values()} == {2}


def test_the_targets_own_batch_size_and_workers_win(
    adapt, config: Path, target: Path, monkeypatch
) -> None:
    built, build = [], Runner.build_dataloader

    def keep(cfg: dict, **kwargs):
        built.append(build(cfg, **kwargs))
        return built[0]

    monkeypatch.setattr(Runner, 'build_dataloader', keep)
    adapt(f'{TARGET}.batch_size=3', f'{TARGET}.num_workers=1')
    (loader,) = built
    assert (loader.batch_size, loader.num_workers) == (3, 1)
    after = load_file('a_bn.pth')['state_dict']
    for name, value in cumulative_statistics(config, target, 3).items():
        assert torch.allclose(after[name].double(), value, 1e-4, 1e-5), name


def test_some_images_are_evenly_spaced(
    adapt, config: Path, target: Path, capsys
) -> None:
    adapt('--num-images', '2')
    after = load_file('a_bn.pth')['state_dict']
    expected = cumulative_statistics(config, target, 2, [0, 2])
    for name, value in expected.items():
        assert torch.allclose(after[name].double(), value, 1e-4, 1e-5), name
    with pytest.raises(SystemExit):
        adapt('--num-images', '0')
    assert 'argument --num-images: 0 is below 1' in capsys.readouterr().err
    with pytest.raises(InputError, match=r'has 1 image\(s\), fewer than one'):
        adapt('--num-images', '1')


def test_classes_are_kept_and_the_run_is_not(adapt) -> None:
    adapt()
    meta = load_file('a_bn.pth')['meta']
    assert meta == {'dataset_meta': {'classes': ('road', 'car')}}


def test_less_than_a_batch_is_refused(adapt, folder: Path) -> None:
    with pytest.raises(InputError, match=r'has 5 image\(s\), .* batch of 6'):
        adapt('train_dataloader.batch_size=6')
    assert [path.name for path in folder.iterdir()] == ['a.pth']


def test_a_config_without_target_is_refused(adapt) -> None:
    for option in ('default_hooks.adversarial=None', 'default_hooks=None'):
        with pytest.raises(InputError, match=r'tiny\.py names no target'):
            adapt(option)


def test_a_model_without_batch_norm_is_refused(adapt, folder: Path) -> None:
    norms = ['backbone', 'backbone.context_path', 'decode_head']
    options = [f'model.{part}.norm_cfg.type=IN' for part in norms]
    with pytest.raises(InputError, match='has no BatchNorm that trains, so'):
        adapt(*options)
    assert [path.name for path in folder.iterdir()] == ['a.pth']


@pytest.mark.parametrize('out', ['a.pth', '../here/a.pth', 'link.pth'])
def test_the_checkpoint_is_not_overwritten(
    adapt, folder: Path, out: str
) -> None:
    (folder / 'link.pth').symlink_to('a.pth')
    before = (folder / 'a.pth').read_bytes()
    with pytest.raises(InputError, match='is the checkpoint itself'):
        adapt(out=out)
    assert (folder / 'a.pth').read_bytes() == before


def test_a_folder_is_no_file_to_write(adapt, folder: Path) -> None:
    (folder / 'new').mkdir()
    for out in ('new', '.'):
        with pytest.raises(InputError, match=f'--out {out} is a folder: give'):
            adapt(out=out)


def test_a_batch_of_one_pooled_to_one_value_is_refused(adapt) -> None:
    with pytest.raises(InputError, match='on a single value, after pooling'):
        adapt(f'{TARGET}.batch_size=1')


def test_what_is_written_is_whole_or_absent(
    adapt, folder: Path, monkeypatch
) -> None:
    def fill_the_disk(_: dict, path: Path) -> None:
        Path(path).write_bytes(b'half')
        raise OSError('No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(torch, 'save', fill_the_disk)
        with pytest.raises(OSError, match='No space'):
            adapt(out='new/b.pth')
    assert list((folder / 'new').iterdir()) == []
    adapt(out='new/b.pth')
    assert [path.name for path in (folder / 'new').iterdir()] == ['b.pth']
