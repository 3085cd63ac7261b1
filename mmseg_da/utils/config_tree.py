"""Walk through the dicts of a config, and find its data sets."""

from collections.abc import Iterable, Iterator
from typing import Any


def iter_dicts(node: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Every dict of a config and its key, with dots.

    Args:
        node: The config, or the value of the key ``path``.
        path (str): Key of ``node``. Defaults to '', the whole config.
    """
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        yield path, node
        children = node.items()
    elif isinstance(node, (list, tuple)):
        children = enumerate(node)
    for key, child in children:
        name = f'{path}.{key}' if path else str(key)
        yield from iter_dicts(child, name)


def path_keys(path: str, node: dict) -> list[str]:
    """The keys of a config's dict, at ``path``, that name files."""
    names = ['data_root', 'class_weight', 'statistics']
    if path.endswith('class_weight'):
        names.append('file')
    return [name for name in names if isinstance(node.get(name), str)]


def single_datasets(dataset: dict, key: str) -> Iterator[tuple[str, dict]]:
    """Walk through wrappers to the data sets that they join or repeat.

    Yields:
        tuple[str, dict]: Key and config of each data set that has a pipeline
        of its own.
    """
    if not isinstance(dataset, dict):
        return
    name = 'datasets' if 'datasets' in dataset else 'dataset'
    inner = dataset.get(name)
    if isinstance(inner, (list, tuple)):
        for i, one in enumerate(inner):
            yield from single_datasets(one, f'{key}.{name}.{i}')
    elif isinstance(inner, dict):
        yield from single_datasets(inner, f'{key}.{name}')
    else:
        # No wrapper, or one that cannot be built, with a message that says
        # why.
        yield key, dataset


def find_target_loader(cfg: dict) -> tuple[str, dict] | None:
    """Key and config of the unlabelled target's loader that a hook names.

    None if the config does not adapt to a target.
    """
    for part in ('default_hooks', 'custom_hooks'):
        for key, node in iter_dicts(cfg.get(part), part):
            if isinstance(node.get('target_dataloader'), dict):
                return f'{key}.target_dataloader', node['target_dataloader']
    return None
