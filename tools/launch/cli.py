"""What the command line tools share."""

import argparse
import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import DictAction

from mmseg_da.errors import InputError

DISK_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EROFS, errno.EACCES, errno.EPERM),
)


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``, the overrides of a config.

    The values are parsed into a dict, keys with dots, for
    :func:`mmseg_da.utils.load_config`.
    """
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='overrides of the config, for example train_cfg.max_iters=100',
    )


class ConfigOptions(DictAction):
    """MMEngine's action for ``--cfg-options`` that names a malformed word."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        for word in values:
            if not word.partition('=')[0].strip('.') or '=' not in word:
                raise argparse.ArgumentError(
                    self, f'{word!r} is not of the form key.of.config=value'
                )
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError) as error:
            raise argparse.ArgumentError(self, str(error)) from error


@contextmanager
def one_sentence_errors() -> Iterator[None]:
    """End the program with one sentence if the user can do something.

    This is so for an :class:`InputError`, for Ctrl-C and for a disk that is
    full or protected. Other errors are bugs and keep their stack trace.

    Example:
        >>> if __name__ == '__main__':
        >>>     with one_sentence_errors():
        >>>         main()
    """
    try:
        yield
    except InputError as error:
        sentence = str(error)
    except KeyboardInterrupt:
        print('Stopped by Ctrl-C.', file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        sentence = (
            f'{error.filename or "A file"} cannot be written '
            f'({error.strerror}): free some space, or write elsewhere.'
        )
    else:
        return
    sys.exit(f'{Path(sys.argv[0]).name}: {sentence}')
