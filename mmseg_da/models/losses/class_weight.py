"""Class weights from a list, or from the JSON of the class statistics tool."""

import math
from collections.abc import Sequence
from numbers import Real

from mmseg_da.errors import InputError
from mmseg_da.utils.files import read_statistics

KEY = 'median_frequency_weights'
ClassWeight = str | dict | Sequence[float]


def weight_file(class_weight: ClassWeight | None) -> str | None:
    """The file that class weights come from; None for a list of numbers."""
    if isinstance(class_weight, dict):
        class_weight = class_weight.get('file')
    return class_weight if isinstance(class_weight, str) else None


def load_class_weight(class_weight: ClassWeight) -> list[float]:
    """Return the class weights as a list of positive numbers.

    Args:
        class_weight (str, dict or Sequence[float]): The weights; or the path
            of a JSON from ``tools/analysis/class_statistics.py``, of which
            ``median_frequency_weights`` is used; or
            ``dict(file=path, power=1, clip=None)``: these weights to a power,
            then clipped to ``clip=(low, high)``. In the dict's form a class
            that never occurs in the statistics gets the weight 1, after the
            clipping: its median-frequency weight is a guess.

    Raises:
        InputError: If the file is missing or is not such a JSON, if a
            weight is not a positive finite number, or if the dict is wrong.

    Example:
        >>> load_class_weight([1, 2.5])
        [1.0, 2.5]
        >>> load_class_weight(
        ...     dict(file='classes.json', power=0.5, clip=(0.3, 4.0)))
    """
    where = 'class_weight'
    path = weight_file(class_weight)
    power, clip, counts = 1.0, None, ()
    from_dict = isinstance(class_weight, dict)
    if from_dict:
        power, clip = _check_settings(class_weight)
    if path is not None:
        where = f'class_weight of {path}'
        try:
            statistics = read_statistics(path, KEY)
        except InputError as error:
            raise InputError(f'class_weight: {error}') from None
        counts = statistics['pixel_counts'] if from_dict else ()
        class_weight = statistics[KEY]
    if isinstance(class_weight, (str, dict)) or not hasattr(
        class_weight, '__iter__'
    ):
        raise InputError(
            f'{where} is {class_weight!r}; give a list of one positive '
            'number for each class.'
        )
    weights = list(class_weight)
    if path is not None and len(weights) != len(statistics['classes']):
        raise InputError(
            f'{where} has {len(weights)} values, but there are '
            f'{len(statistics["classes"])} classes; give one for each class.'
        )
    for index, weight in enumerate(weights):
        if not _is_positive(weight):
            raise InputError(
                f'{where} has {weight!r} for class {index}; give a positive '
                'finite number for each class.'
            )
    weights = [float(weight) ** power for weight in weights]
    if clip is not None:
        weights = [min(max(weight, clip[0]), clip[1]) for weight in weights]
    absent = {index for index, count in enumerate(counts) if count == 0}
    return [1.0 if i in absent else w for i, w in enumerate(weights)]


def _is_positive(value: object) -> bool:
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0


def _check_settings(settings: dict) -> tuple[float, Sequence[float] | None]:
    """Check the dict's form and return its power and clip."""
    if unknown := settings.keys() - {'file', 'power', 'clip'}:
        raise InputError(
            f'class_weight has the key {min(unknown)!r}; expected a dict of '
            'file, power and clip.'
        )
    if not isinstance(settings.get('file'), str):
        raise InputError(
            f'class_weight.file is {settings.get("file")!r}; give the path '
            'of a JSON that tools/analysis/class_statistics.py wrote.'
        )
    power, clip = settings.get('power', 1.0), settings.get('clip')
    if not _is_positive(power):
        raise InputError(
            f'class_weight.power is {power!r}; give a positive number, such '
            'as 0.5 for the square root.'
        )
    if clip is not None and not (
        isinstance(clip, (list, tuple))
        and len(clip) == 2
        and all(map(_is_positive, clip))
        and clip[0] <= clip[1]
    ):
        raise InputError(
            f'class_weight.clip is {clip!r}; give the smallest and the '
            'largest weight, such as (0.3, 4.0).'
        )
    return power, clip
