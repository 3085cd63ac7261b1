"""Checks of the transforms' arguments, and the arguments as text."""

from typing import Any

from mmseg_da.errors import InputError


def check_range(key: str, value: Any, low: float, high: float) -> None:
    """Raise unless ``low <= value <= high``."""
    if not isinstance(value, (int, float)) or not low <= value <= high:
        raise InputError(
            f'{key} is {value!r}, but it must be a number from {low:g} to '
            f'{high:g}.'
        )


def check_interval(key: str, value: Any, high: float) -> None:
    """Raise unless the value is a pair, ``0 < first <= second <= high``."""
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(isinstance(v, (int, float)) for v in value)
        and 0 < value[0] <= value[1] <= high
    ):
        raise InputError(
            f'{key} is {value!r}, but it must be (low, high) with 0 < low <= '
            f'high <= {high:g}.'
        )


def check_size(key: str, value: Any) -> None:
    """Raise unless the value is (width, height) in pixels."""
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(isinstance(v, int) and v > 0 for v in value)
    ):
        raise InputError(
            f'{key} is {value!r}, but it must be (width, height), two '
            'positive integers.'
        )


def show_arguments(transform: object) -> str:
    """A transform and its settings, as mmcv's transforms show themselves."""
    settings = ', '.join(f'{k}={v}' for k, v in vars(transform).items())
    return f'{type(transform).__name__}({settings})'
