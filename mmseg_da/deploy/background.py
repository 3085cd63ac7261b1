"""Reading ahead and writing behind, each in a thread of its own.

Decoding, encoding and the network leave Python's lock while they work, so
that they run side by side; the bounds keep memory flat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Optional, TypeVar

T = TypeVar('T')
_END = object()


@contextmanager
def read_ahead(items: Iterable[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """Take items in another thread before they are asked for.

    Args:
        items (Iterable): What takes time to come by. Its error comes where
            its item would have come, after the items before it.
        depth (int): Items that wait at most. Defaults to 2.

    Yields:
        Iterator: The items in their order.
    """
    with ThreadPoolExecutor(1) as pool:
        try:
            yield _in_order(pool, iter(items), depth)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor, items: Iterator[T], depth: int
) -> Iterator[T]:
    waiting = deque(pool.submit(next, items, _END) for _ in range(depth))
    while (item := waiting.popleft().result()) is not _END:
        waiting.append(pool.submit(next, items, _END))
        yield item


class WriteBehind:
    """Calls a function in another thread, one call after the other.

    At the end of the ``with`` block all calls are done, or, after an error
    or an interrupt, those not begun are left out.

    Args:
        write (Callable): Its error is raised by a later call, or at the end
            of the block.
        depth (int): Calls that wait at most before a call blocks. Defaults
            to 2.
    """

    def __init__(self, write: Callable[..., None], depth: int = 2) -> None:
        self.write, self.depth = write, depth
        self.waiting = deque()

    def __enter__(self) -> WriteBehind:
        self.pool = ThreadPoolExecutor(1)
        return self

    def __call__(self, *args) -> None:
        """Have it called with these arguments."""
        self.waiting.append(self.pool.submit(self.write, *args))
        while len(self.waiting) > self.depth or (
            self.waiting and self.waiting[0].done()
        ):
            self.waiting.popleft().result()

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        try:
            while kind is None and self.waiting:
                self.waiting.popleft().result()
        finally:
            self.pool.shutdown(cancel_futures=True)
