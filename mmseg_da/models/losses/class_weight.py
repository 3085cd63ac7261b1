"""Class weights from a list, or from the JSON of the class statistics tool."""

import json
import math
from collections.abc import Sequence
from numbers import Real

from mmseg_da.errors import InputError

KEY = 'median_frequency_weights'


def load_class_weight(
    class_weight: str | Sequence[float] | None,
    num_classes: int | None = None,
) -> list[float] | None:
    """Return the class weights as a list of positive numbers.

    Args:
        class_weight (str or Sequence[float], optional): The weights, or the
            path of a JSON from ``tools/analysis/class_statistics.py``, of
            which ``median_frequency_weights`` is used.
        num_classes (int, optional): Expected number of weights.
            Defaults to None: any number.

    Returns:
        list[float], optional: None for None.

    Raises:
        InputError: If the file is missing or is not such a JSON, if a
            weight is not a positive finite number, or if the number of
            weights differs from ``num_classes``.

    Example:
        >>> load_class_weight([1, 2.5], num_classes=2)
        [1.0, 2.5]
    """
    if class_weight is None:
        return None
    where = 'class_weight'
    if isinstance(class_weight, str):
        where = f'class_weight of {class_weight}'
        class_weight, num_classes = _read(class_weight, num_classes)
    if isinstance(class_weight, (str, dict)) or not hasattr(
        class_weight, '__iter__'
    ):
        raise InputError(
            f'{where} is {class_weight!r}; give a list of one positive '
            'number for each class.'
        )
    weights = list(class_weight)
    if num_classes is not None and len(weights) != num_classes:
        raise InputError(
            f'{where} has {len(weights)} values, but there are '
            f'{num_classes} classes; give one for each class.'
        )
    for index, weight in enumerate(weights):
        number = isinstance(weight, Real) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight <= 0:
            raise InputError(
                f'{where} has {weight!r} for class {index}; give a positive '
                'finite number for each class.'
            )
    return [float(weight) for weight in weights]


def _read(path: str, num_classes: int | None) -> tuple[object, int]:
    """Return the weights in the JSON and their expected number."""
    command = f'python tools/analysis/class_statistics.py CONFIG --out {path}'
    try:
        with open(path, encoding='utf-8') as file:
            statistics = json.load(file)
        weights, classes = statistics[KEY], statistics['classes']
        return weights, num_classes or len(classes)
    except FileNotFoundError:
        raise InputError(
            f'class_weight names the file {path}, which does not exist; '
            f'write it with `{command}`.'
        ) from None
    except OSError as error:
        raise InputError(
            f'class_weight names the file {path}, which cannot be read '
            f'({error.strerror}); write it anew with `{command}`.'
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f'class_weight names the file {path}, which is not a class '
            f'statistics JSON with the keys classes and {KEY}; write it '
            f'anew with `{command}`.'
        ) from None
