"""The parts of a benchmark: cases, comparisons, settings, groups."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

# Takes the baseline's result and a case's. Returns a few words on how close
# they are, or raises Different.
Same = Callable[[Any, Any], str]


class Skipped(Exception):
    """Raised by a case that cannot run here, with the reason."""


class Different(Exception):
    """Raised if a result differs from the baseline's, with the difference."""


@dataclass
class Case:
    """One way to do a job.

    Args:
        name (str): Name in the table.
        run (Callable): Does the job once and returns the result, as tensors,
            arrays or numbers that ``same`` understands.
        same (Callable, optional): Compares the result with the baseline's.
            Defaults to the comparison's.
        result (Callable, optional): Returns the result of the last run, if
            reading it must not be timed.
        goal (float, optional): Largest ratio to the baseline's time that
            meets the goal.
        memory_goal (float, optional): The same for peak memory.
        fps_goal (float, optional): Images per second that meet the goal.
        dtype (str): Type of the arithmetic, which decides the matmul rate
            that limits the case. Defaults to 'float32'.
        note (str): Remark beside the name.
    """

    name: str
    run: Callable[[], Any]
    same: Same | None = None
    result: Callable[[], Any] | None = None
    goal: float | None = None
    memory_goal: float | None = None
    fps_goal: float | None = None
    dtype: str = 'float32'
    note: str = ''


@dataclass
class Comparison:
    """Ways to do one job, timed in turns.

    Args:
        title (str): Heading of the table.
        baseline (Case): The case that all ratios refer to.
        cases (Sequence[Case]): The other cases.
        same (Callable): Compares results with the baseline's.
        macs (float, optional): Multiply-accumulates of the baseline. If
            given, the table shows the share of the machine's matmul rate
            that each case reaches with them.
        memory (bool): Whether to measure peak memory. Defaults to True.
        number (int): Calls per timing, more than 1 for jobs of less than
            about 5 ms.
        images (int, optional): Images per call. If given, the table shows
            images per second.
        profile (str): Name of the case whose time the page splits by
            operators.
        family (str): Comparisons of one family are drawn in one picture.
        axis (str): The quantity that grows within the family, with its unit.
        at (float, optional): Value on this axis.
    """

    title: str
    baseline: Case
    cases: Sequence[Case]
    same: Same
    macs: float | None = None
    memory: bool = True
    number: int = 1
    images: int | None = None
    profile: str = ''
    family: str = ''
    axis: str = ''
    at: float | None = None


@dataclass
class Settings:
    """Settings of a suite.

    Args:
        quick (bool): Use tiny sizes and two rounds, which shows that the
            suite works and not how fast anything is.
        device (torch.device): Device of the networks.
        rounds (int): Timed rounds; a round runs every case once.
        warmup (int): Rounds before the timed ones.
        seconds (float): A comparison starts no further round after this
            time, except for the first two.
        cpu_time (bool): Measure processor time instead of wall time, for a
            machine that is busy with other work.
        checkpoint (str, optional): Weights of the paper's BiSeNet. Defaults
            to random weights.
    """

    quick: bool = False
    device: torch.device = field(default_factory=lambda: torch.device('cpu'))
    rounds: int = 5
    warmup: int = 1
    seconds: float = 120.0
    cpu_time: bool = False
    checkpoint: str | None = None


Group = Callable[[Settings], Iterator[Comparison]]
GROUPS: dict[str, Group] = {}


def group(name: str) -> Callable[[Group], Group]:
    """Register a generator of comparisons under a name."""

    def register(function: Group) -> Group:
        GROUPS[name] = function
        return function

    return register


def close(tolerance: float, relative: bool = False) -> Same:
    """Accept results whose elements differ by at most ``tolerance``.

    Args:
        tolerance (float): Largest absolute difference; 0 means equal.
        relative (bool): Whether ``tolerance`` is a share of the baseline's
            largest value. Defaults to False.

    Returns:
        Callable: A ``same`` for nested tensors, arrays and numbers.
    """

    def same(expected: Any, found: Any) -> str:
        pairs = list(zip_leaves(expected, found))
        difference = max(np.abs(a - b).max(initial=0) for a, b in pairs)
        scale = max(np.abs(a).max(initial=0) for a, _ in pairs)
        if relative:
            difference /= scale or 1
        text = f'differs by {difference:.1e}' if difference else 'equal'
        # `not <=` instead of `>`, so that a NaN counts as different.
        if not difference <= tolerance:
            raise Different(f'{text}, more than {tolerance:.0e}')
        return text

    return same


def zip_leaves(
    expected: Any, found: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pair the arrays of two results of the same structure, as float64."""
    if isinstance(expected, dict):
        if expected.keys() != found.keys():
            raise Different(f'has {list(found)}, not {list(expected)}')
        for key in expected:
            yield from zip_leaves(expected[key], found[key])
    elif isinstance(expected, (list, tuple)):
        if len(expected) != len(found):
            raise Different(f'has {len(found)} parts, not {len(expected)}')
        for one, other in zip(expected, found):
            yield from zip_leaves(one, other)
    else:
        one, other = (to_array(value) for value in (expected, found))
        if one.shape != other.shape:
            raise Different(f'is {other.shape}, not {one.shape}')
        yield one, other


def to_array(value: Any) -> np.ndarray:
    """Convert a tensor, array or number to a float64 array on the CPU."""
    if isinstance(value, torch.Tensor):
        value = value.detach().double().cpu().numpy()
    return np.asarray(value, dtype=np.float64)
