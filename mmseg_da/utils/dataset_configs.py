"""Find the data sets that a config names."""

from collections.abc import Iterator

from mmseg_da.utils.config_tree import iter_dicts


def single_datasets(dataset: dict, key: str) -> Iterator[tuple[str, dict]]:
    """Walk through wrappers to the data sets that they join or repeat.

    Args:
        dataset (dict): Config of a data set, for example a ConcatDataset.
        key (str): Its key in the config.

    Yields:
        tuple[str, dict]: Key and config of each data set that has a pipeline
        of its own.
    """
    if not isinstance(dataset, dict):
        return
    inner = {}
    if 'datasets' in dataset:
        inner = {
            f'{key}.datasets.{i}': one
            for i, one in enumerate(dataset['datasets'])
        }
    elif 'dataset' in dataset:
        inner = {f'{key}.dataset': dataset['dataset']}
    else:
        yield key, dataset
        return
    for name, one in inner.items():
        yield from single_datasets(one, name)


def find_target_loader(cfg: dict) -> tuple[str, dict] | None:
    """Find the loader of the unlabelled target images that a hook names.

    Args:
        cfg (Config | dict): The config.

    Returns:
        tuple[str, dict] | None: Key and config of the loader, if the config
        adapts to a target.
    """
    for part in ('default_hooks', 'custom_hooks'):
        for key, node in iter_dicts(cfg.get(part), part):
            if isinstance(node.get('target_dataloader'), dict):
                return f'{key}.target_dataloader', node['target_dataloader']
    return None
