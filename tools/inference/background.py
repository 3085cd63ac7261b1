"""Read ahead and write behind, each in its own thread.

Decoding, encoding and the network release Python's lock while they work, so
they run side by side. At most a few items wait, which keeps memory flat.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar('T')
_END = object()


@contextmanager
def read_ahead(items: Iterable[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """Take items from an iterable in another thread, ahead of their use.

    Args:
        items (Iterable): Items that take time to produce. An error is raised
            in place of its item, after the items before it.
        depth (int): How many items may wait. Defaults to 2.

    Yields:
        Iterator: The items in their order.

    Example:
        >>> with read_ahead(Frames('street.mp4')) as frames:
        ...     for name, image in frames:
        ...         predict(image)
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
    """Call a function in another thread, one call after the other.

    The end of the ``with`` block waits for all calls. After an error or an
    interrupt, calls that have not begun are dropped.

    Args:
        write (Callable): The function. Its error is raised by a later call,
            or at the end of the block.
        depth (int): How many calls may wait before a further one blocks.
            Defaults to 2.

    Example:
        >>> with WriteBehind(cv2.imwrite) as write:
        ...     write('a.png', image)
    """

    def __init__(self, write: Callable[..., None], depth: int = 2) -> None:
        self.write, self.depth = write, depth
        self.waiting = deque()

    def __enter__(self) -> Self:
        self.pool = ThreadPoolExecutor(1)
        return self

    def __call__(self, *args) -> None:
        """Call the function with these arguments, soon."""
        self.waiting.append(self.pool.submit(self.write, *args))
        while len(self.waiting) > self.depth or (
            self.waiting and self.waiting[0].done()
        ):
            self.waiting.popleft().result()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            while kind is None and self.waiting:
                self.waiting.popleft().result()
        finally:
            self.pool.shutdown(cancel_futures=True)
