"""The one exception that means: what the user gave cannot be used."""


class InputError(ValueError):
    """Unusable input, said in one sentence.

    The sentence names the file or config key, what was found, what was
    expected and what to do. The command line tools print it instead of a
    stack trace (:func:`mmseg_da.utils.cli.one_sentence_errors`).

    Args:
        message (str): The sentence. A DataLoader worker re-raises with its
            whole traceback as the message, whose last line is the sentence.
    """

    def __init__(self, message: str) -> None:
        last_line = str(message).strip().rsplit('\n', 1)[-1]
        name = f'{type(self).__module__}.{type(self).__qualname__}: '
        super().__init__(last_line.removeprefix(name))


class UnreadableFileError(InputError):
    """A file is missing, damaged, or of a kind that is not read."""


class SizeMismatchError(InputError):
    """A label has another size than its image."""


class LabelValueError(InputError):
    """A label holds a value that stands for no class."""
