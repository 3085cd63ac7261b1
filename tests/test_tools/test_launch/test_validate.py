"""What MMSegmentation trains is not refused."""

from collections.abc import Iterator
from pathlib import Path

import mmengine.registry
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from mmseg.registry import MODELS
from stock_configs import NAMES, stock

from launch import check_config
from launch.dataset_classes import find_dataset_classes
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils import explain_build_errors, load_config

DEMO = Path(__file__).parents[3] / 'configs/demo/bisenet_adv.py'
ADVERSARIAL = 'default_hooks.adversarial'

PROFILER = dict(type='ProfilerHook', on_trace_ready=dict(type='log_trace'))
WANDB = dict(type='WandbVisBackend', init_kwargs=dict(type='run'))
SCHEDULER = dict(type='mmseg_da.PolyLR', power=0.9)
PASSING = {
    # A type that is a choice, and no class.
    'clip_grad': {'optim_wrapper.clip_grad': dict(type='value', clip_value=1)},
    'profiler': {'custom_hooks': [PROFILER]},
    # Free content.
    'metainfo': {'train_dataloader.dataset.metainfo': dict(type='game')},
    'backend': {'visualizer.vis_backends': [WANDB]},
    'own variable': {'settings': dict(type='Unknown', max_iters=-1)},
    'no classifier': {'model.backbone.num_classes': 0},
    # Which is no padding.
    'size_divisor=0': {'model.data_preprocessor.size_divisor': 0},
    # Without size and size_divisor, which it does not know.
    'preprocessor': {
        'model.data_preprocessor': dict(
            _delete_=True, type='ImgDataPreprocessor'
        )
    },
    'one scheduler': {'param_scheduler': dict(SCHEDULER, _delete_=True)},
    'none': {'param_scheduler': None, 'visualizer': None},
    # One list an optimizer.
    'schedulers': {
        'param_scheduler': dict(_delete_=True, a=[SCHEDULER], b=[SCHEDULER])
    },
    'cosine': {'param_scheduler': [dict(SCHEDULER, eta_min=None)]},
    'level': {'log_level': 20},
    'metrics': {'val_evaluator': [dict(type='mmseg_da.IoUMetric')]},
    'never': {'default_hooks.checkpoint.interval': -1},
    'no hook': {'default_hooks.timer': None, 'custom_hooks': None},
    # A false one is none, for MMEngine.
    'init_cfg': {'model.init_cfg': []},
    'schedule of lr': {'auto_scale_lr': dict(base_batch_size=16)},
    'transforms': {'train_dataloader.dataset.pipeline': (dict,)},
    'own batches': {f'{ADVERSARIAL}.target_dataloader.batch_size': 1},
}
REFUSED = {
    'model': ('model', [1], r'key model is \[1\] \(list\), but it must be a'),
    'hook': (
        'custom_hooks',
        [dict(type='EMAHok', clip_grad=dict(type='norm'))],
        r"custom_hooks\.0\.type is 'EMAHok', which is not registered",
    ),
    'target workers': (
        f'{ADVERSARIAL}.target_dataloader',
        dict(
            _delete_=True,
            num_workers=0,
            persistent_workers=True,
            dataset=dict(type=dict),
        ),
        r'target_dataloader\.persistent_workers is True and default_hooks',
    ),
    'target without data': (
        f'{ADVERSARIAL}.target_dataloader',
        dict(_delete_=True, batch_size=1),
        r'adversarial\.target_dataloader\.dataset is None \(NoneType\), but',
    ),
    'init_cfg without type': (
        'model.decode_head',
        [dict(init_cfg=dict(std=1))],
        r"decode_head\.0\.init_cfg is \{'std': 1\} .* a dict with a type, a",
    ),
    'true is no number': (
        'param_scheduler',
        dict(_delete_=True, power=True),
        r'param_scheduler\.power is True \(bool\), .* be a number or None',
    ),
    'cascade': (
        'model.decode_head',
        [dict(num_classes=19), dict(num_classes=7)],
        r'head\.0\.num_classes is 19, model\.decode_head\.1\.num_classes is 7',
    ),
    'skips in evaluation': (
        'val_dataloader.dataset.skip_bad_samples',
        True,
        r'^val_dataloader\.dataset\.skip_bad_samples is True, but evaluation',
    ),
    'adversarial': (
        f'{ADVERSARIAL}.discriminator.in_channels',
        18,
        r'decode_head\.num_classes is 19, .*in_channels is 18; set all to',
    ),
}


def test_classes_that_no_metainfo_names(cfg: Config) -> None:
    """Those are Cityscapes'."""
    folder = dict(type='mmseg_da.FolderDataset')
    named = dict(folder, metainfo=dict(classes=['building', 'road']))
    config = dict(a=dict(dataset=named), b=dict(dataset=folder))
    found = find_dataset_classes(dict(b=config['b']), ('b',))
    assert len(found['b.dataset']) == 19
    with pytest.raises(InputError, match=r'has the classes road, .*\(19\)'):
        find_dataset_classes(config, ('a', 'b'))


@pytest.fixture
def cfg() -> Config:
    return load_config(DEMO)


@pytest.mark.parametrize('name', NAMES)
def test_stock_config_passes(name: str) -> None:
    for purpose in ('train', 'test'):
        check_config(stock(name), purpose)


def test_stock_config_that_cannot_train_is_refused() -> None:
    """Its preprocessor has no size, as MMSegmentation finds in training."""
    cfg = stock('upernet/upernet_r18_4xb4-20k_voc12aug-512x512')
    check_config(cfg, 'test')
    with pytest.raises(InputError, match='sets neither of size and size_div'):
        check_config(cfg, 'train')
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    batch = dict(inputs=[torch.zeros(3, 8, 8)], data_samples=[])
    with pytest.raises(AssertionError, match='one of size and size_divisor'):
        preprocessor(batch, training=True)


@pytest.mark.parametrize('name', PASSING)
def test_passes(cfg: Config, name: str) -> None:
    cfg.merge_from_dict(PASSING[name])
    check_config(cfg, 'train')


def test_loader_for_evaluation_needs_no_batch_size(cfg: Config) -> None:
    for loader in ('val_dataloader', 'test_dataloader'):
        del cfg[loader]['batch_size']
    check_config(cfg, 'train')
    del cfg.train_dataloader['batch_size']
    with pytest.raises(InputError, match='train_dataloader.batch_size is mis'):
        check_config(cfg, 'train')


def test_testing_builds_nothing_of_training(cfg: Config) -> None:
    cfg.optim_wrapper.optimizer.type = 'Unknown'
    cfg.train_dataloader.dataset = None
    check_config(cfg, 'test')
    with pytest.raises(InputError):
        check_config(cfg, 'train')


def test_preprocessor_beside_the_model(cfg: Config) -> None:
    """The runner gives it to a model that has none."""
    cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    check_config(cfg, 'train')
    cfg.data_preprocessor.size_divisor = None
    with pytest.raises(InputError, match='sets neither of size and size_div'):
        check_config(cfg, 'train')


@pytest.mark.parametrize('name', REFUSED)
def test_is_refused(cfg: Config, name: str) -> None:
    option, value, text = REFUSED[name]
    # A dict does not merge into a list, nor a list into a dict.
    cfg.merge_from_dict({option: None})
    cfg.merge_from_dict({option: value})
    with pytest.raises(InputError, match=text):
        check_config(cfg, 'train')


@pytest.fixture
def elsewhere() -> Iterator[Registry]:
    """A third party's registry of models."""
    parent = mmengine.registry.MODELS
    yield Registry('model', parent=parent, scope='elsewhere')
    del parent.children['elsewhere']
    init_default_scope('mmseg')


def test_default_scope_of_a_third_party(cfg, elsewhere: Registry) -> None:
    cfg.model.backbone.type = 'Net'
    with pytest.raises(InputError, match="backbone.type is 'Net', which is"):
        check_config(cfg, 'train')
    elsewhere.register_module('Net', module=torch.nn.Identity)
    cfg.default_scope = 'elsewhere'
    check_config(cfg, 'train')


def test_data_alone_needs_no_model() -> None:
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type='ADE20K'))))
    with pytest.raises(
        InputError, match=r'dataset.type is .ADE20K., which is'
    ):
        check_config(cfg, 'data')
    cfg.train_dataloader.dataset.type = 'ADE20KDataset'
    check_config(cfg, 'data')
    with pytest.raises(InputError, match='has no model, which is needed to t'):
        check_config(cfg, 'train')


def test_runner_takes_all_of_a_row_or_none(cfg: Config) -> None:
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg[key] = None
    for purpose in ('train', 'test'):
        check_config(cfg, purpose)
    cfg.val_cfg = dict(type='ValLoop')
    text = 'has val_cfg, but no val_dataloader or val_evaluator: set all of'
    for purpose in ('train', 'test'):
        with pytest.raises(InputError, match=text):
            check_config(cfg, purpose)


def test_alike_parts_are_told_apart(cfg: Config) -> None:
    """The key of the part that is built is blamed."""
    key = f'{ADVERSARIAL}.target_dataloader'
    dataset = dict(cfg.val_dataloader.dataset, shuffled=1)
    for within, blamed in ((key, key), ('val_dataloader', 'val_dataloader')):
        with (
            pytest.raises(InputError) as error,
            explain_build_errors(cfg, within),
        ):
            DATASETS.build(dataset)
        assert f'config key {blamed}.dataset (type' in str(error.value)
