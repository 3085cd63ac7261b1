"""What the values of a config must be: a table, and registered classes."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

import mmengine.registry
import mmseg.registry
from mmengine.registry import Registry

from .. import registry as own_registry
from ..errors import InputError

# Transforms that hand their arguments on to a library with names of its own.
FORWARDING = ('Albu', 'Albumentations')
# Keys of free content, or whose type is a choice and no class.
FREE = ('clip_grad', 'init_kwargs', 'metainfo', 'on_trace_ready')
RANDOMNESS = 'seed|diff_rank_seed|deterministic'


class Kind(NamedTuple):
    """What a value must be, in words, and whether it is."""

    words: str
    fits: Callable[[Any], bool]

    def or_none(self) -> Kind:
        fits = self.fits
        return Kind(f'{self.words} or None', lambda v: v is None or fits(v))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_dicts(value: Any) -> bool:
    # A config in Python may hold transforms that are functions.
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, dict) or callable(item) for item in value
    )


def _initializes(value: Any) -> bool:
    # A false one is none, for MMEngine.
    if not value:
        return True
    parts = [value] if isinstance(value, dict) else value
    return _are_dicts(parts) and all(
        isinstance(part, dict) and 'type' in part for part in parts
    )


def _whole(least: int) -> Kind:
    return Kind(
        f'a whole number of at least {least}',
        lambda v: _is_number(v) and isinstance(v, int) and v >= least,
    )


DICT = Kind('a dict', lambda v: isinstance(v, dict))
DICTS = Kind('a list of dicts', _are_dicts)
ONE_OR_MORE = Kind(
    'a dict, a list of dicts', lambda v: DICT.fits(v) or DICTS.fits(v)
)
NUMBER = Kind('a number', _is_number)
HOOK = r'(default|custom)_hooks\..*\.'
LOADER = r'(.*\.)?\w+_dataloader'
# Keys, as regular expressions of which the first that fits counts.
KINDS = {
    'default_scope': Kind("a name like 'mmseg'", lambda v: isinstance(v, str)),
    'log_level': Kind(
        'a level like INFO or ERROR',
        lambda v: (
            isinstance(v, int)
            or isinstance(v, str)
            and isinstance(logging.getLevelName(v), int)
        ),
    ),
    f'randomness\\.(?!({RANDOMNESS})$).*': Kind(
        f'left out: randomness has {RANDOMNESS.replace("|", ", ")}',
        lambda _: False,
    ),
    r'randomness|env_cfg(\.(mp|dist)_cfg)?': DICT,
    'model|optim_wrapper|train_cfg': DICT,
    r'(val|test|model\.train|model\.test)_cfg': DICT.or_none(),
    'visualizer|log_processor|auto_scale_lr': DICT.or_none(),
    r'default_hooks(\.\w+)?': DICT.or_none(),
    'custom_hooks': DICTS.or_none(),
    '(val|test)_evaluator': ONE_OR_MORE.or_none(),
    r'(default|custom)_hooks\..*\.(discriminator|optim_wrapper)': DICT,
    r'(default|custom)_hooks\..*\.(target_dataloader|terms)': DICT,
    r'(default|custom)_hooks\..*\.output_index': _whole(0).or_none(),
    LOADER: DICT.or_none(),
    rf'{LOADER}\.batch_size': _whole(1),
    rf'{LOADER}\.num_workers': _whole(0),
    rf'{LOADER}\..*\.data_prefix': DICT.or_none(),
    rf'{LOADER}\..*\.(pipeline|datasets)': DICTS.or_none(),
    r'(.*\.)?param_scheduler': ONE_OR_MORE.or_none(),
    r'(.*\.)?param_scheduler\.(.*\.)?'
    r'(power|eta_min|gamma|T_max|\w*factor)': NUMBER.or_none(),
    r'(.*\.)?optim_wrapper\.optimizer': DICT,
    r'.*\.init_cfg': Kind(
        'a dict with a type, a list of such, or None', _initializes
    ),
    # -1 is never, or all.
    r'default_hooks\.checkpoint\.(interval|max_keep_ckpts)': _whole(-1),
    rf'{HOOK}interval': _whole(-1).or_none(),
    r'log_processor\.window_size': _whole(1),
    r'train_cfg\.val_interval': _whole(1),
    r'.*\.(max_iters|max_epochs|accumulative_counts)': _whole(1).or_none(),
    r'.*\.seed': _whole(0).or_none(),
    # 0 classes are a backbone without its classifier.
    r'.*_head\.(.*\.)?num_classes': _whole(1).or_none(),
    r'.*\.loss_weight': Kind(
        'a finite number of at least 0',
        lambda v: _is_number(v) and 0 <= v < math.inf,
    ),
}
_COMPILED = [(re.compile(key), kind) for key, kind in KINDS.items()]


def wrong(key: str, found: Any, expected: str) -> InputError:
    """The error of a config key whose value is of another kind."""
    return InputError(
        f'The config key {key} is {found!r} ({type(found).__name__}), but it '
        f'must be {expected}.'
    )


def check_value(key: str, value: Any) -> None:
    """Check a value against the table.

    Args:
        key (str): Its key, with dots.
        value: The value.

    Raises:
        InputError: If it is of another kind.
    """
    for pattern, kind in _COMPILED:
        if pattern.fullmatch(key):
            if not kind.fits(value):
                raise wrong(key, value, kind.words)
            return


def check_type(path: str, name: Any, scope: str) -> None:
    """Check that a ``type`` is registered, or is a class.

    Args:
        path (str): The key of the dict that has it.
        name (str | type): The ``type``.
        scope (str): The config's default scope.

    Raises:
        InputError: If it is not, with those that are spelt alike.
    """
    if not isinstance(name, str):
        if callable(name):
            return
        raise wrong(f'{path}.type', name, 'a name')
    registries = _registries(scope)
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


def _registries(scope: str) -> list[Registry]:
    modules = (own_registry, mmseg.registry, mmengine.registry)
    found = [v for m in modules for v in vars(m).values()]
    found = [v for v in found if isinstance(v, Registry)]
    # The default scope may be of a third party.
    children = [r.children[scope] for r in found if scope in r.children]
    return found + children


def class_name(kind: Any) -> str:
    """The name of a ``type``, a name with or without scope, or a class."""
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def _items(node: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(node, dict):
        return node.items()
    return enumerate(node) if isinstance(node, (list, tuple)) else ()


def dicts(node: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Every dict of a config and its key, with dots."""
    if isinstance(node, dict):
        yield path, node
    for key, child in _items(node):
        yield from dicts(child, f'{path}.{key}' if path else str(key))


def built(node: Any, path: str) -> Iterator[tuple[str, dict]]:
    """The dicts from which registered classes are built, and their keys."""
    if isinstance(node, dict):
        yield path, node
        if class_name(node.get('type')) in FORWARDING:
            return
    for key, child in _items(node):
        if key not in FREE:
            yield from built(child, f'{path}.{key}')
