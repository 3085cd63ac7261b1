"""Finding the adaptation hook and its target in a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mmengine.config import Config

from mmseg_da.adaptation.hook import AdaptationHook
from mmseg_da.registry import HOOKS


class Found(NamedTuple):
    """A part of a config and where it stands."""

    key: str
    cfg: dict


def find_adaptation(cfg: Config | dict) -> Found | None:
    """Find the adaptation hook of a config, by its type.

    Args:
        cfg (Config | dict): Any MMEngine config.

    Returns:
        Found | None: The hook's key, such as 'default_hooks.adaptation' or
        'custom_hooks[0]', and its config; None without such a hook.
    """
    for key, hook in _hooks(cfg):
        kind = hook.get('type')
        if isinstance(kind, str):
            # Other scopes hold no hook of ours, and may not be installed.
            scope, _, name = kind.rpartition('.')
            kind = HOOKS.get(name) if scope in ('', 'mmseg_da') else None
        if isinstance(kind, type) and issubclass(kind, AdaptationHook):
            return Found(key, hook)
    return None


def find_target_dataloader(cfg: Config | dict) -> Found | None:
    """Find the unlabelled target's data loader in a config.

    Args:
        cfg (Config | dict): Any MMEngine config.

    Returns:
        Found | None: The loader's key and config, as written: without the
        defaults that it takes from the source's. None without a target.
    """
    adaptation = find_adaptation(cfg)
    if adaptation is None or not adaptation.cfg.get('target_dataloader'):
        return None
    return Found(
        f'{adaptation.key}.target_dataloader',
        adaptation.cfg['target_dataloader'],
    )


def _hooks(cfg: Config | dict) -> Iterator[tuple[str, dict]]:
    parts: list[tuple[str, Any]] = []
    named = cfg.get('default_hooks')
    if isinstance(named, dict):
        parts += [(f'default_hooks.{name}', named[name]) for name in named]
    listed = cfg.get('custom_hooks')
    if isinstance(listed, (list, tuple)):
        parts += [
            (f'custom_hooks[{index}]', hook)
            for index, hook in enumerate(listed)
        ]
    yield from ((key, hook) for key, hook in parts if isinstance(hook, dict))
