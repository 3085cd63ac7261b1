"""Compare the classes of a config's data sets."""

from collections.abc import Mapping
from typing import Any

from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils.config_tree import single_datasets


def find_dataset_classes(
    config: Mapping, loaders: tuple[str, ...]
) -> dict[str, list[str]]:
    """The classes of each labelled data set, by its key.

    Args:
        config (Mapping): Any MMSegmentation config.
        loaders (tuple[str]): Keys of the data loaders.

    Raises:
        InputError: Two data sets have other classes, or another order.
    """
    found: dict[str, list[str]] = {}
    for loader in loaders:
        dataset = (config.get(loader) or {}).get('dataset')
        for key, one in single_datasets(dataset, f'{loader}.dataset'):
            if classes := _classes_of(one):
                found[key] = classes
    keys = list(found)
    for key in keys[1:]:
        if found[key] != found[keys[0]]:
            raise InputError(
                f'{key} has the classes {_shorten(found[key])}, but '
                f'{keys[0]} has {_shorten(found[keys[0]])}: give both the '
                'same metainfo, with the classes in one order.'
            )
    return found


def _classes_of(dataset: Mapping) -> list[str] | None:
    own = dataset.get('metainfo')
    own = own.get('classes') if isinstance(own, Mapping) else None
    kind: Any = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    classes = own
    for name in ('METAINFO', 'DEFAULT_METAINFO'):
        classes = classes or getattr(kind, name, {}).get('classes')
    # A file of names is read when the data set is built.
    return None if isinstance(classes, str) else list(classes or ())


def _shorten(classes: list[str]) -> str:
    shown = ', '.join(classes[:5])
    return f'{shown}, ... ({len(classes)})' if classes[5:] else shown
