"""What is wrong with a config, told before anything is built from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Optional

import mmengine.registry
import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry, build_from_cfg, init_default_scope
from mmengine.runner import Runner

from .. import registry as own_registry
from ..errors import InputError

NEEDS = dict(
    train=('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
    test=('model', 'test_dataloader', 'test_cfg', 'test_evaluator'),
)
# Whole numbers, by the end of their key, and the least that they may be.
LEAST = {
    'max_iters': 1,
    'max_epochs': 1,
    'val_interval': 1,
    'batch_size': 1,
    'num_workers': 0,
    'num_classes': 1,
    'accumulative_counts': 1,
    'seed': 0,
}

# What builds from a config, and its argument.
BUILDERS = {
    build_from_cfg.__code__: 'cfg',
    Runner.build_dataloader.__code__: 'dataloader',
}


def check_config(cfg: Config, purpose: str) -> None:
    """Check what would else fail deep inside, or not at all.

    Args:
        cfg (Config): The config in use.
        purpose (str): 'train' or 'test'.

    Raises:
        InputError: A key that is needed is missing or no dict, a ``type`` is
            not known, a number is out of range, sizes or numbers of classes
            contradict each other, or ``load_from`` does not exist.
    """
    name = cfg.filename or 'The config'
    content = cfg.to_dict()
    for key in NEEDS[purpose]:
        value = content.get(key)
        if value is None:
            raise InputError(
                f'{name} has no {key}, which is needed to {purpose}: add it, '
                'or inherit it from a file of configs/_base_.'
            )
        if not isinstance(value, (dict, list)):
            raise _wrong(key, value, 'a dict')
    scope = content.get('default_scope', 'mmseg')
    if not isinstance(scope, str):
        raise _wrong('default_scope', scope, "a name like 'mmseg'")
    init_default_scope(scope)
    for path, node in _dicts(content):
        if 'type' in node:
            _check_type(path, node['type'])
        for key, value in node.items():
            _check_number(f'{path}.{key}' if path else key, key, value)
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        _check_loader(key, content.get(key))
    _check_classes(content)
    if purpose == 'train':
        _check_padding(content['model'])
    checkpoint = content.get('load_from')
    if checkpoint is not None:
        _check_checkpoint(checkpoint)


def _wrong(key: str, found: Any, expected: str) -> InputError:
    return InputError(
        f'The config key {key} is {found!r} ({type(found).__name__}), but it '
        f'must be {expected}.'
    )


def _dicts(node: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Every dict of a config and its key, with dots."""
    if isinstance(node, dict):
        yield path, node
        items = node.items()
    elif isinstance(node, (list, tuple)):
        items = enumerate(node)
    else:
        return
    for key, child in items:
        yield from _dicts(child, f'{path}.{key}' if path else str(key))


def _registries() -> list[Registry]:
    modules = (own_registry, mmseg.registry, mmengine.registry)
    found = [v for m in modules for v in vars(m).values()]
    return [v for v in found if isinstance(v, Registry)]


def _check_type(path: str, name: Any) -> None:
    if not isinstance(name, str):
        if callable(name):
            return
        raise _wrong(f'{path}.type', name, 'a name')
    registries = _registries()
    try:
        if any(r.get(name) is not None for r in registries):
            return
    except Exception as error:  # importing the module of a dotted name
        raise InputError(
            f'The config key {path}.type is {name!r}, which cannot be '
            f'imported ({type(error).__name__}: {error}).'
        ) from error
    known = {
        f'{r.scope}.{n}' if r.scope == 'mmseg_da' else n
        for r in registries
        for n in r.module_dict
    }
    close = get_close_matches(name, sorted(known), 3, 0.7)
    hint = f'did you mean {" or ".join(close)}?' if close else 'check its name'
    raise InputError(
        f'The config key {path}.type is {name!r}, which is not registered: '
        f'{hint.removesuffix("?")}, or import its module by custom_imports.'
    )


def _check_number(path: str, key: str, value: Any) -> None:
    if key in LEAST and value is not None:
        least = LEAST[key]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < least:
            raise _wrong(path, value, f'a whole number of at least {least}')
    if key == 'loss_weight' and not (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 <= value < math.inf
    ):
        raise _wrong(path, value, 'a finite number of at least 0')


def _check_loader(key: str, loader: Optional[dict]) -> None:
    if loader is None:
        return
    if not isinstance(loader, dict):
        raise _wrong(key, loader, 'a dict')
    for part in ('dataset', 'sampler'):
        if not isinstance(loader.get(part), dict):
            raise _wrong(f'{key}.{part}', loader.get(part), 'a dict')
    if 'batch_size' not in loader:
        raise InputError(f'The config key {key}.batch_size is missing.')
    if loader.get('persistent_workers') and not loader.get('num_workers'):
        raise InputError(
            f'The config key {key}.persistent_workers is True and '
            f'{key}.num_workers is 0: set persistent_workers to False, or '
            'num_workers to 1 or more.'
        )


def _check_classes(content: dict) -> None:
    """All that predict or judge classes have the same number of them."""
    numbers = {
        f'{path}.num_classes': node['num_classes']
        for path, node in _dicts(content.get('model'), 'model')
        if 'head' in path and 'num_classes' in node
    }
    hooks = content.get('default_hooks') or {}
    discriminator = (hooks.get('adversarial') or {}).get('discriminator') or {}
    if 'in_channels' in discriminator:
        key = 'default_hooks.adversarial.discriminator.in_channels'
        numbers[key] = discriminator['in_channels']
    if len(set(map(str, numbers.values()))) > 1:
        listed = ', '.join(f'{key} is {n}' for key, n in numbers.items())
        raise InputError(
            f'The numbers of classes contradict each other: {listed}; set '
            'all to one number.'
        )


def _check_padding(model: dict) -> None:
    preprocessor = model.get('data_preprocessor')
    if not isinstance(preprocessor, dict):
        return
    given = [k for k in ('size', 'size_divisor') if preprocessor.get(k)]
    if len(given) != 1:
        raise InputError(
            f'model.data_preprocessor sets {" and ".join(given) or "neither"}'
            ' of size and size_divisor: training needs exactly one of them.'
        )


def _check_checkpoint(checkpoint: Any) -> None:
    if not isinstance(checkpoint, str):
        raise _wrong('load_from', checkpoint, 'the path of a .pth file')
    if '://' not in checkpoint and not Path(checkpoint).expanduser().is_file():
        raise InputError(
            f'The checkpoint {checkpoint} does not exist: give the .pth file '
            'of a training run.'
        )


@contextmanager
def explain_build_errors(cfg: Config) -> Iterator[None]:
    """Name the config key from which something could not be built.

    Args:
        cfg (Config): The config in use.

    Raises:
        InputError: If a constructor refuses the arguments that the config
            gives it.
    """
    try:
        yield
    except InputError:
        raise
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        built, inner = _innermost_build(error)
        if built is None:
            raise
        # The text of a KeyError is in quotes.
        text = inner.args[0] if len(inner.args) == 1 else inner
        reason = ' '.join(str(text).split()) or type(inner).__name__
        kind = f' (type {built["type"]})' if 'type' in built else ''
        raise InputError(
            f'The config key {_key_of(cfg, built)}{kind} cannot be built: '
            f'{reason.removesuffix(".")}; check its arguments.'
        ) from error


def _innermost_build(
    error: BaseException,
) -> tuple[Optional[dict], BaseException]:
    """What MMEngine was building from when an error came up, and the error."""
    built = None
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code in BUILDERS:
            cfg = frame.f_locals.get(BUILDERS[frame.f_code])
            built = cfg if isinstance(cfg, dict) else built
        traceback = traceback.tb_next
    if built is None and error.__context__ is not None:
        # A hook's TypeError is raised anew, without what led to it.
        return _innermost_build(error.__context__)
    return built, error


def _key_of(cfg: Config, built: dict) -> str:
    """The key of the dict that agrees in most with what was built from."""

    def agreement(item: tuple[str, dict]) -> int:
        _, node = item
        if node.get('type') != built.get('type'):
            return -1
        return sum(built.get(key) == value for key, value in node.items())

    path, node = max(_dicts(cfg.to_dict()), key=agreement)
    return path if node.get('type') == built.get('type') else '(a default)'
