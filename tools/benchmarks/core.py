"""What a benchmark is made of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

# Takes the baseline's result and a case's; says in a few words how near they
# are, or raises Different.
Same = Callable[[Any, Any], str]


class Skipped(Exception):
    """A case that cannot run here, and why."""


class Different(Exception):
    """A case whose result is not the baseline's, and by how much."""


@dataclass
class Case:
    """One way to do a job.

    Args:
        name (str): What the table calls it.
        run (Callable): Does the job once and returns its result, as tensors,
            arrays or numbers that ``same`` understands.
        result (Callable, optional): Gives the result of the last run, where
            taking it is no part of the job and is not to be timed.
        same (Callable, optional): How its result is held against the
            baseline's. Defaults to the comparison's.
        goal (float, optional): Largest ratio of its time to the baseline's
            that is aimed at.
        memory_goal (float, optional): As ``goal``, of peak memory.
        fps_goal (float, optional): Images per second that are aimed at.
        dtype (str): Of its arithmetic, which says what matmul rate is its
            limit. Defaults to 'float32'.
        note (str): Shown beside it.
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
        title (str): Heading of its table.
        baseline (Case): What all ratios refer to.
        cases (Sequence[Case]): The others.
        same (Callable): How results are held against the baseline's.
        macs (float, optional): Multiply-accumulates of the baseline's job.
            With them the table shows the share of the machine's matmul rate
            that each case reaches, counting the baseline's arithmetic.
        memory (bool): Whether peak memory is measured. Defaults to True.
        number (int): Calls per timing, for jobs of less than about 5 ms.
        images (int, optional): Images that a call goes through. With them
            the table shows images per second.
        profile (str): Name of the case of which the page shows where its
            time goes, by operators.
        family (str): Comparisons that are drawn as one picture.
        axis (str): What grows from one to the next, with its unit.
        at (float, optional): The value on this axis.
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
    """How a suite is run.

    Args:
        quick (bool): Tiny sizes and two rounds: whether it works, not how
            fast.
        device (torch.device): Where networks run.
        rounds (int): Timed rounds, each of every case once.
        warmup (int): Rounds before them.
        seconds (float): After this time no more rounds of a comparison are
            begun, beyond two.
        cpu_time (bool): Whether the processor's time is measured instead of
            the clock's, for a machine that does other things too.
        checkpoint (str, optional): Weights of the paper's BiSeNet, for
            results that mean something. Defaults to random ones.
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
    """Let results differ by ``tolerance``, at most, in any element.

    Args:
        tolerance (float): Largest absolute difference; 0 means equal.
        relative (bool): Whether it is a share of the baseline's largest
            value instead. Defaults to False.

    Returns:
        Callable: A ``same`` of nested tensors, arrays and numbers.
    """

    def same(expected: Any, found: Any) -> str:
        pairs = list(zip_leaves(expected, found))
        difference = max(np.abs(a - b).max(initial=0) for a, b in pairs)
        scale = max(np.abs(a).max(initial=0) for a, _ in pairs)
        if relative:
            difference /= scale or 1
        text = f'differs by {difference:.1e}' if difference else 'equal'
        # Not `>`: a NaN is different.
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
    """A tensor, array or number as a float64 array on the CPU."""
    if isinstance(value, torch.Tensor):
        value = value.detach().double().cpu().numpy()
    return np.asarray(value, dtype=np.float64)
