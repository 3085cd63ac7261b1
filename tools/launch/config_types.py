"""What the values of a config must be: a table, and registered classes."""

import logging
import math
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple, Self

from mmseg_da.errors import InputError
from mmseg_da.utils.build_errors import find_registries
from mmseg_da.utils.config_tree import iter_dicts

# Transforms that hand their arguments on to a library with names of its own.
FORWARDING = ('Albu', 'Albumentations')
# Keys with free content, or whose type is a choice and not a class.
FREE = {'clip_grad', 'init_kwargs', 'metainfo', 'on_trace_ready'}
RANDOMNESS = 'seed|diff_rank_seed|deterministic'


class Kind(NamedTuple):
    """What a value must be, in words, and the test for it."""

    words: str
    fits: Callable[[Any], bool]

    def or_none(self) -> Self:
        return Kind(
            f'{self.words} or None', lambda v: v is None or self.fits(v)
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_dicts(value: Any) -> bool:
    # A config in Python may hold transforms that are functions.
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, dict) or callable(item) for item in value
    )


def _is_init_cfg(value: Any) -> bool:
    # MMEngine treats an empty init_cfg like None.
    items = [value] if isinstance(value, dict) else value
    return not value or (
        _are_dicts(items)
        and all(isinstance(item, dict) and 'type' in item for item in items)
    )


def _is_log_level(value: Any) -> bool:
    # Of a known name, logging gives the number.
    return isinstance(value, int) or (
        isinstance(value, str) and isinstance(logging.getLevelName(value), int)
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
# Keys as regular expressions; the first one that matches counts.
KINDS = {
    'default_scope': Kind("a name like 'mmseg'", lambda v: isinstance(v, str)),
    'log_level': Kind('a level like INFO or ERROR', _is_log_level),
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
        'a dict with a type, a list of such, or None', _is_init_cfg
    ),
    # -1 is never, or all.
    r'default_hooks\.checkpoint\.(interval|max_keep_ckpts)': _whole(-1),
    rf'{HOOK}interval': _whole(-1).or_none(),
    r'log_processor\.window_size': _whole(1),
    r'train_cfg\.val_interval': _whole(1),
    r'.*\.(max_iters|max_epochs|accumulative_counts)': _whole(1).or_none(),
    r'.*\.seed': _whole(0).or_none(),
    # A backbone of 0 classes is one without its classifier.
    r'.*_head\.(.*\.)?num_classes': _whole(1).or_none(),
    r'.*\.loss_weight': Kind(
        'a finite number of at least 0',
        lambda v: _is_number(v) and 0 <= v < math.inf,
    ),
}
_COMPILED = [(re.compile(key), kind) for key, kind in KINDS.items()]


def class_name(kind: Any) -> str:
    """The name of a ``type``, which is a class, or a name with its scope."""
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def buildable_dicts(node: Any, path: str) -> Iterator[tuple[str, dict]]:
    """The dicts at the key ``path`` that may build a registered class."""
    forwarded: tuple[str, ...] = ()
    for key, one in iter_dicts(node, path):
        if key.startswith(forwarded) or FREE & set(key.split('.')):
            continue
        if class_name(one.get('type')) in FORWARDING:
            forwarded += (f'{key}.',)
        yield key, one


def kind_error(key: str, value: Any, expected: str) -> InputError:
    """The error of a config key whose value is of another kind."""
    return InputError(
        f'The config key {key} is {value!r} ({type(value).__name__}), but it '
        f'must be {expected}.'
    )


def check_value(key: str, value: Any) -> None:
    """Check the value of a key, with dots, against :data:`KINDS`.

    Raises:
        InputError: If it is of another kind.
    """
    for pattern, kind in _COMPILED:
        if pattern.fullmatch(key):
            if not kind.fits(value):
                raise kind_error(key, value, kind.words)
            return


def check_type(path: str, name: Any, scope: str) -> None:
    """Check that a ``type`` is registered, or is a class.

    Args:
        path (str): The key of the dict with the ``type``.
        name (str | type): The ``type``.
        scope (str): The config's default scope.

    Raises:
        InputError: If it is not, with the registered names closest to it.
    """
    if not isinstance(name, str):
        if callable(name):
            return
        raise kind_error(f'{path}.type', name, 'a name')
    registries = find_registries(scope)
    try:
        if any(r.get(name) is not None for r in registries):
            return
    except Exception as error:  # Importing the module of a dotted name.
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
    hint = f'did you mean {" or ".join(close)}' if close else 'check its name'
    raise InputError(
        f'The config key {path}.type is {name!r}, which is not registered: '
        f'{hint}, or import its module by custom_imports.'
    )
