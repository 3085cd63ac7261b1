"""What the command line tools share."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError


@contextmanager
def one_sentence_errors() -> Iterator[None]:
    """End the program with the sentence of an :class:`InputError`.

    Example:
        >>> if __name__ == '__main__':
        >>>     with one_sentence_errors():
        >>>         main()
    """
    try:
        yield
    except InputError as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')
