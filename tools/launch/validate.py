"""Checks of a config before anything is built from it."""

import inspect
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from launch.config_types import (
    buildable_dicts,
    check_type,
    check_value,
    class_name,
    kind_error,
)
from launch.crop_sizes import check_crops
from launch.dataset_classes import find_dataset_classes
from launch.domain_sizes import check_domain_sizes
from launch.evaluation_order import check_evaluation_pipelines
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import find_target_loader, iter_dicts

NEEDS = dict(
    train=('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
    test=('model', 'test_dataloader', 'test_cfg', 'test_evaluator'),
    data=(),
)
# Keys that a runner builds from, whatever the purpose. Keys that are in no
# table here may be a config's own variables.
SHARED = (
    *('default_hooks', 'custom_hooks', 'visualizer', 'log_processor'),
    *('log_level', 'randomness', 'env_cfg'),
)
BUILT = dict(
    # With the keys for testing, whose typos would show after the training.
    train=(
        *NEEDS['train'],
        *('param_scheduler', 'auto_scale_lr'),
        *('val_dataloader', 'val_cfg', 'val_evaluator'),
        *('test_dataloader', 'test_cfg', 'test_evaluator'),
        *SHARED,
    ),
    test=(*NEEDS['test'], *SHARED),
    data=(
        *('train_dataloader', 'val_dataloader', 'test_dataloader'),
        *('default_hooks', 'custom_hooks'),
    ),
)
# A runner takes all keys of a row, or none.
TOGETHER = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)
# With MMEngine's own key.
LOADER_KEYS = {
    'num_batch_per_epoch',
    *inspect.signature(DataLoader).parameters,
}


def check_config(cfg: Config, purpose: str) -> None:
    """Check what would fail deep inside the framework, or not at all.

    Args:
        cfg (Config): The config in use.
        purpose (str): 'train', 'test', or 'data' for the training, target
            and validation data alone, without a model.

    Raises:
        InputError: If a key is missing or unknown, a value is of another
            kind than ``KINDS`` says, a ``type`` is not registered, sizes or
            numbers of classes contradict each other, or ``load_from`` does
            not exist.
    """
    name = cfg.filename or 'The config'
    content = cfg.to_dict()
    for key in NEEDS[purpose]:
        if content.get(key) is None:
            raise InputError(
                f'{name} has no {key}, which is needed to {purpose}: add it, '
                'or inherit it from a file of configs/_base_.'
            )
    for key in (*BUILT[purpose], 'default_scope'):
        if key in content:
            check_value(key, content[key])
    scope = content.get('default_scope', 'mmseg')
    init_default_scope(scope)
    model = content.get('model')
    if purpose != 'data':
        # As the runner does.
        model.setdefault('data_preprocessor', content.get('data_preprocessor'))
    for top in BUILT[purpose]:
        for path, node in buildable_dicts(content.get(top), top):
            if 'type' in node:
                check_type(path, node['type'], scope)
            for key, value in node.items():
                check_value(f'{path}.{key}', value)
    _check_loaders(content, purpose)
    check_evaluation_pipelines(content, purpose)
    loaders = [key for key in BUILT[purpose] if key.endswith('_dataloader')]
    classes = find_dataset_classes(content, loaders)
    if purpose == 'data':
        return
    _check_together(content)
    hooks = ('default_hooks', 'custom_hooks')
    numbers = {f'{key}.metainfo.classes': len(c) for key, c in classes.items()}
    hooks_cfg = {key: content.get(key) for key in hooks}
    _check_classes(model, hooks_cfg, dict(list(numbers.items())[:1]))
    if purpose == 'train':
        _check_epochs(content)
        _check_padding(model)
        check_domain_sizes(content)
        check_crops(content)
    checkpoint = content.get('load_from')
    if checkpoint is not None:
        _check_checkpoint(checkpoint)


def _as_dict(node: Any) -> dict:
    return node if isinstance(node, dict) else {}


def _check_loaders(content: dict, purpose: str) -> None:
    loaders = {
        key: content[key]
        for key in BUILT[purpose]
        if key.endswith('_dataloader') and content.get(key) is not None
    }
    target = find_target_loader(content)
    if purpose != 'test' and target is not None:
        # As the hook does; the type of its sampler does not matter here.
        workers = _as_dict(content.get('train_dataloader')).get('num_workers')
        defaults = dict(sampler={}, num_workers=workers)
        loaders[target[0]] = {**defaults, **target[1]}
    for key, loader in loaders.items():
        _check_is_dict(key, loader, 'dataset')
        if purpose != 'data':
            _check_is_dict(key, loader, 'sampler')
            _check_arguments(key, loader)
    # Only training needs another batch size than the default of 1.
    if purpose == 'train' and 'batch_size' not in content['train_dataloader']:
        raise InputError(
            'The config key train_dataloader.batch_size is missing.'
        )


def _check_is_dict(key: str, loader: dict, name: str) -> None:
    if not isinstance(loader.get(name), dict):
        raise kind_error(f'{key}.{name}', loader.get(name), 'a dict')


def _check_arguments(key: str, loader: dict) -> None:
    for name in loader.keys() - LOADER_KEYS:
        close = get_close_matches(name, LOADER_KEYS, 1)
        raise InputError(
            f'The config key {key}.{name} is unknown to a data loader: '
            f'{f"did you mean {close[0]}, or " if close else ""}remove it.'
        )
    if loader.get('persistent_workers') and not loader.get('num_workers'):
        raise InputError(
            f'The config key {key}.persistent_workers is True and '
            f'{key}.num_workers is 0: set persistent_workers to False, or '
            'num_workers to 1 or more.'
        )


def _check_epochs(content: dict) -> None:
    loop = content['train_cfg']
    by_epoch = loop.get('by_epoch', 'type' not in loop)
    sampler = content['train_dataloader']['sampler'].get('type')
    if class_name(sampler) in ('InfiniteSampler', 'RareClassSampler') and (
        by_epoch or class_name(loop.get('type')) == 'EpochBasedTrainLoop'
    ):
        raise InputError(
            f'The config key train_dataloader.sampler is {sampler}, with '
            'which the first epoch of EpochBasedTrainLoop would never end: '
            "set sampler=dict(type='DefaultSampler', shuffle=True), or "
            'train_cfg.type=IterBasedTrainLoop with max_iters.'
        )


def _check_together(content: dict) -> None:
    for keys in TOGETHER:
        given = [key for key in keys if content.get(key) is not None]
        if given and len(given) < len(keys):
            lacking = [key for key in keys if key not in given]
            raise InputError(
                f'The config has {" and ".join(given)}, but no '
                f'{" or ".join(lacking)}: set all of {", ".join(keys)}, or '
                'all to None.'
            )


def _check_classes(model: dict, hooks: Any, data: dict[str, int]) -> None:
    """Compare the heads that predict, the discriminators and the data.

    Not auxiliary heads, which may learn something else: STDC's learns edges.
    """
    head = model.get('decode_head')
    heads = {'model.decode_head': head}
    if isinstance(head, (list, tuple)):
        heads = {f'model.decode_head.{i}': h for i, h in enumerate(head)}
    classes = {
        f'{key}.num_classes': h['num_classes']
        for key, h in heads.items()
        if isinstance(h, dict) and 'num_classes' in h
    }
    seen = {
        f'{key}.in_channels': node['in_channels']
        for key, node in iter_dicts(hooks)
        if key.endswith('.discriminator') and 'in_channels' in node
    }
    _compare_classes({**classes, **seen})
    if classes:
        _compare_classes({**classes, **data})


def _compare_classes(numbers: dict[str, Any]) -> None:
    if len(set(map(str, numbers.values()))) > 1:
        listed = ', '.join(f'{key} is {n}' for key, n in numbers.items())
        raise InputError(
            f'The numbers of classes contradict each other: {listed}; set '
            'all to one number.'
        )


def _check_padding(model: dict) -> None:
    preprocessor = _as_dict(model.get('data_preprocessor'))
    # Other preprocessors may have other arguments for padding.
    if class_name(preprocessor.get('type')) != 'SegDataPreProcessor':
        return
    sizes = ('size', 'size_divisor')
    given = [key for key in sizes if preprocessor.get(key) is not None]
    if len(given) != 1:
        raise InputError(
            f'model.data_preprocessor sets {" and ".join(given) or "neither"}'
            ' of size and size_divisor: training needs exactly one of them.'
        )


def _check_checkpoint(checkpoint: Any) -> None:
    if not isinstance(checkpoint, str):
        raise kind_error('load_from', checkpoint, 'the path of a .pth file')
    if '://' not in checkpoint and not Path(checkpoint).expanduser().is_file():
        raise InputError(
            f'The checkpoint {checkpoint} does not exist: give the .pth file '
            'of a training run.'
        )
