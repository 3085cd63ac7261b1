"""Find the data sets that a config names."""

from collections.abc import Iterator

from mmseg_da.utils.config_tree import iter_dicts


def single_datasets(dataset: dict, key: str) -> Iterator[tuple[str, dict]]:
    """Walk through wrappers to the data sets that they join or repeat.

    Yields:
        tuple[str, dict]: Key and config of each data set that has a pipeline
        of its own.
    """
    if not isinstance(dataset, dict):
        return
    if 'datasets' in dataset:
        for i, one in enumerate(dataset['datasets']):
            yield from single_datasets(one, f'{key}.datasets.{i}')
    elif 'dataset' in dataset:
        yield from single_datasets(dataset['dataset'], f'{key}.dataset')
    else:
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
