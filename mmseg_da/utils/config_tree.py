"""Walk through the dicts of a config."""

from collections.abc import Iterable, Iterator
from typing import Any

# Transforms that hand their arguments on to a library with names of its own.
FORWARDING = ('Albu', 'Albumentations')
# Keys with free content, or whose type is a choice and not a class.
FREE = ('clip_grad', 'init_kwargs', 'metainfo', 'on_trace_ready')


def class_name(kind: Any) -> str:
    """The name of a ``type``, which is a class, or a name with its scope."""
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def iter_dicts(
    node: Any, path: str = '', buildable: bool = False
) -> Iterator[tuple[str, dict]]:
    """Every dict of a config and its key, with dots.

    Args:
        node: The config, or the value of the key ``path``.
        path (str): Key of ``node``. Defaults to '', the whole config.
        buildable (bool): Whether to leave out dicts from which no registered
            class is built. Defaults to False.
    """
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        yield path, node
        if buildable and class_name(node.get('type')) in FORWARDING:
            return
        children = node.items()
    elif isinstance(node, (list, tuple)):
        children = enumerate(node)
    for key, child in children:
        if not (buildable and key in FREE):
            name = f'{path}.{key}' if path else str(key)
            yield from iter_dicts(child, name, buildable)


def path_keys(path: str, node: dict) -> list[str]:
    """The keys of a config's dict, at ``path``, that name files."""
    names = ['data_root', 'class_weight', 'statistics']
    if path.endswith('class_weight'):
        names.append('file')
    return [name for name in names if isinstance(node.get(name), str)]
