"""Naming the config key from which something could not be built."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import mmengine.registry
import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry

from mmseg_da import registry as own_registry
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import iter_dicts

# Errors that constructors raise for bad arguments.
ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)


@contextmanager
def explain_build_errors(cfg: Config, within: str = '') -> Iterator[None]:
    """Name the config key from which something could not be built.

    Inside, each registry's ``build_func`` notes at an error of a constructor
    what it was building. Errors of other origin stay as they are.

    Args:
        cfg (Config): The config in use.
        within (str): Key, with dots, under which to look, since dicts of a
            config may be equal. Defaults to '', the whole config.

    Raises:
        InputError: If a constructor refuses the arguments that the config
            gives it.
    """
    registries = find_registries(cfg.get('default_scope') or 'mmseg')
    originals = {registry: registry.build_func for registry in registries}
    for registry, build in originals.items():
        registry.build_func = partial(_build, build)
    try:
        yield
    except InputError:
        raise
    except ERRORS as error:
        # MMEngine raises a hook's TypeError anew: that one is its context.
        chain = (error.__context__, error)
        cause = next((e for e in chain if hasattr(e, 'built_from')), None)
        if cause is None:
            raise
        source = cause.built_from
        key = _find_key(cfg, source, within)
        # str() of a KeyError is its text in quotes.
        text = cause.args[0] if len(cause.args) == 1 else cause
        reason = ' '.join(str(text).split()) or type(cause).__name__
        kind = f' (type {source["type"]})' if 'type' in source else ''
        raise InputError(
            f'The config key {key}{kind} cannot be built: '
            f'{reason.removesuffix(".")}; check its arguments.'
        ) from error
    finally:
        for registry, build in originals.items():
            registry.build_func = build


def find_registries(scope: str) -> list[Registry]:
    """All registries of a default scope, MMSegmentation's and MMEngine's."""
    modules = (own_registry, mmseg.registry, mmengine.registry)
    found = [v for m in modules for v in vars(m).values()]
    found = [v for v in found if isinstance(v, Registry)]
    # The default scope may be of a third party.
    return found + [r.children[scope] for r in found if scope in r.children]


def _build(build: Callable, cfg: dict, *args, **kwargs) -> Any:
    try:
        return build(cfg, *args, **kwargs)
    except Exception as error:
        # The innermost call notes the error first.
        if isinstance(cfg, dict) and not hasattr(error, 'built_from'):
            error.built_from = cfg
        raise


def _find_key(cfg: Config, source: dict, within: str) -> str:
    """The key of the dict that agrees most with the one built from."""

    def count_equal(node: dict) -> int:
        return sum(source.get(key) == value for key, value in node.items())

    found = {
        path: count_equal(node)
        for path, node in iter_dicts(cfg.to_dict())
        if path.startswith(within) and node.get('type') == source.get('type')
    }
    return max(found, key=found.get) if found else '(a default)'
