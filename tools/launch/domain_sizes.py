"""Check that padding does not give a domain away."""

from launch.config_types import class_name
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import find_target_loader, single_datasets

Size = tuple[int, int]


def check_domain_sizes(cfg: dict) -> None:
    """Refuse to pad the images of one domain otherwise than the other's.

    A border of zeros in one domain only tells the discriminator which domain
    an image is from, so that it learns nothing else.

    Args:
        cfg (dict): The whole config. Without a target there is nothing to
            check, nor where a pipeline ends in images of random sizes.

    Raises:
        InputError: If ``data_preprocessor`` pads the images of the source or
            the target, and their sizes differ.
    """
    target = find_target_loader(cfg)
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or {}
    kind = class_name(preprocessor.get('type'))
    if target is None or kind != 'SegDataPreProcessor':
        return
    loaders = {
        'train_dataloader': cfg['train_dataloader'],
        target[0]: target[1],
    }
    sizes = {
        name: final_size(dataset)
        for key, loader in loaders.items()
        for name, dataset in single_datasets(
            loader['dataset'], f'{key}.dataset'
        )
    }
    if len(set(sizes.values())) == 1:
        return
    divisor, fixed = (
        as_pair(preprocessor.get(key)) for key in ('size_divisor', 'size')
    )
    for key, size in sizes.items():
        if size is None:
            continue
        padded = _padded(size, divisor, fixed)
        if padded == size:
            continue
        name = 'size_divisor' if divisor else 'size'
        width, height = padded
        raise InputError(
            f'{key} ends in images of {size[0]}x{size[1]}, which '
            f'model.data_preprocessor.{name}={preprocessor[name]} pads to '
            f'{width}x{height}, so that the padding tells the domains apart: '
            f'set its img_scale or crop to a size that needs no padding, such '
            f'as {width}x{height}, or set size_divisor=1 and no size.'
        )


def _padded(size: Size, divisor: Size | None, fixed: Size | None) -> Size:
    """Width and height after padding."""
    if divisor and divisor[0] > 0:
        return tuple(-(-n // divisor[0]) * divisor[0] for n in size)
    if fixed:
        return tuple(map(max, size, (fixed[1], fixed[0])))
    return size


def final_size(dataset: dict) -> Size | None:
    """Width and height that a pipeline ends with, None if they vary."""
    size = None
    for step in dataset.get('pipeline') or ():
        kind = class_name(step.get('type')) if isinstance(step, dict) else ''
        if kind == 'ResizeToScale':
            size = as_pair(dataset.get('img_scale'))
        elif kind == 'Resize':
            size = (
                None if step.get('keep_ratio') else as_pair(step.get('scale'))
            )
        elif kind == 'RandomResizedCrop':
            size = as_pair(step.get('scale')) or size
        elif kind == 'RandomCrop':
            crop = as_pair(step.get('crop_size'))
            # (height, width), and no larger than the image.
            crop = crop and crop[::-1]
            size = tuple(map(min, size, crop)) if size and crop else crop
        elif any(word in kind for word in ('Resize', 'Crop', 'Pad', 'Mosaic')):
            size = None
    return size


def as_pair(value: object) -> Size | None:
    """Read a size; None if it is no size, which its user refuses."""
    pair = (value, value) if isinstance(value, int) else value
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        return tuple(pair) if all(type(n) is int for n in pair) else None
    return None
