"""Check crops before training: within the image, and equal for mixing."""

from collections.abc import Iterator

from launch.config_types import class_name
from launch.domain_sizes import Size, as_pair, final_size
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import (
    find_target_loader,
    iter_dicts,
    single_datasets,
)


def check_crops(cfg: dict) -> None:
    """Refuse crops larger than images, and mixing of different sizes.

    Args:
        cfg (dict): The whole config. Sizes that depend on the image files
            are not checked.

    Raises:
        InputError: If a RandomCrop is larger than the image that it gets and
            ``data_preprocessor.size`` does not pad the difference; or a
            ClassMixTerm pastes source images on target images of another
            size or number.
    """
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or {}
    source = list(_datasets('train_dataloader', cfg['train_dataloader']))
    target = find_target_loader(cfg)
    targets = list(_datasets(*target)) if target else []
    for key, dataset in [*source, *targets]:
        _check_crop(key, dataset, as_pair(preprocessor.get('size')))
    hooks = {key: cfg.get(key) for key in ('default_hooks', 'custom_hooks')}
    for hook_key, node in iter_dicts(hooks):
        mixes = class_name(node.get('type')) == 'ClassMixTerm'
        if mixes and node.get('onto', 'target') == 'target' and targets:
            _check_mixing(hook_key, [*source, *targets])
            _check_numbers(hook_key, cfg['train_dataloader'], *target)


def _datasets(key: str, loader: dict) -> Iterator[tuple[str, dict]]:
    return single_datasets(loader['dataset'], f'{key}.dataset')


def _check_crop(key: str, dataset: dict, padded: Size | None) -> None:
    size, keeps_ratio = None, False
    for number, step in enumerate(dataset.get('pipeline') or ()):
        kind = class_name(step.get('type')) if isinstance(step, dict) else ''
        if kind == 'RandomCrop':
            crop = as_pair(step.get('crop_size'))
            # crop_size and data_preprocessor.size are (height, width).
            fills = padded and crop and all(map(int.__ge__, padded, crop))
            if size and crop and not fills:
                _check_fit(f'{key}.pipeline.{number}', size, crop, keeps_ratio)
            size = None
        elif kind == 'ResizeToScale':
            size, keeps_ratio = as_pair(dataset.get('img_scale')), False
        elif kind in ('Resize', 'RandomResize'):
            size, keeps_ratio = _smallest(step), step.get('keep_ratio', False)
        elif any(word in kind for word in ('Resize', 'Crop', 'Pad', 'Mosaic')):
            size = None


def _check_fit(key: str, size: Size, crop: Size, keeps_ratio: bool) -> None:
    """Compare a crop, (height, width), with the image, (width, height)."""
    height, width = crop
    sides = [(width, height), size]
    if keeps_ratio:
        # The image may be on its side.
        sides = map(sorted, sides)
    if any(part > whole for part, whole in zip(*sides)):
        raise InputError(
            f'{key} crops {width}x{height} from images that may be '
            f'{size[0]}x{size[1]}: choose a smaller crop_size or larger '
            'images, or let model.data_preprocessor.size pad to the crop.'
        )


def _smallest(step: dict) -> Size | None:
    """Width and height that a resize ends with at least, None if unknown."""
    size = as_pair(step.get('scale'))
    if size is None:
        return None
    low = (step.get('ratio_range') or (1.0, 1.0))[0]
    return tuple(int(n * low) for n in size)


def _check_mixing(key: str, datasets: list[tuple[str, dict]]) -> None:
    sizes = {name: final_size(dataset) for name, dataset in datasets}
    known = {name: size for name, size in sizes.items() if size}
    if len(set(known.values())) > 1:
        listed = ', '.join(
            f'{n} ends in {w}x{h}' for n, (w, h) in known.items()
        )
        raise InputError(
            f'{key} mixes images of different sizes: {listed}; crop source '
            'and target to one size.'
        )


def _check_numbers(
    key: str, source: dict, target_key: str, target: dict
) -> None:
    count = source.get('batch_size')
    other = target.get('batch_size', count)
    if count != other:
        raise InputError(
            f'{key} mixes images one by one: train_dataloader.batch_size is '
            f'{count} and {target_key}.batch_size is {other}; set both to '
            'one number.'
        )
