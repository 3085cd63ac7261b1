"""Errors of the user's input, and warnings of it."""

import os
import sys


class InputError(ValueError):
    """Input that cannot be used.

    The message is one sentence. It names the file or config key, what was
    found, what was expected and what to do. The commands under ``tools/``
    print it instead of a stack trace.

    """

    def __init__(self, message: str) -> None:
        # DataLoader workers raise an error again with their traceback.
        last_line = str(message).strip().rsplit('\n', 1)[-1]
        name = f'{type(self).__module__}.{type(self).__qualname__}: '
        super().__init__(last_line.removeprefix(name))


class UnreadableFileError(InputError):
    """A file is missing, damaged, or of an unsupported format."""


class SizeMismatchError(InputError):
    """A label has another size than its image."""


class LabelValueError(InputError):
    """A label holds a value that stands for no class."""


def check_choice(key: str, value: str, known: tuple[str, ...]) -> None:
    """Raise an InputError if a config key's value is none of the known."""
    if value not in known:
        raise InputError(f'{key} is {value!r}: set it to one of {known}.')


def wrong_value(key: str, value: object, wanted: str) -> InputError:
    """The error of a key whose value is not what it must be."""
    return InputError(f'{key} is {value!r}, but it must be {wanted}.')


def warn(sentence: str) -> None:
    """Print a warning; of several processes, the first one alone does."""
    if os.environ.get('RANK', '0') == '0':
        print(f'Warning: {sentence}', file=sys.stderr, flush=True)
