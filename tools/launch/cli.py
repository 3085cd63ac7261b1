"""What the command line tools share."""

import argparse
import ast
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mmengine.config import DictAction

from mmseg_da.errors import InputError

DISK_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EROFS, errno.EACCES, errno.EPERM),
)


def command_parser(description: str) -> argparse.ArgumentParser:
    """Begin a command's parser; ``--help`` prints its docstring as it is."""
    return argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add a trained network: CONFIG, CHECKPOINT and ``--teacher``."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--teacher',
        action='store_true',
        help='use the EMA teacher in the checkpoint instead of the segmentor '
        'that was trained',
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``, for :func:`mmseg_da.utils.device.pick_device`."""
    parser.add_argument(
        '--device',
        default='auto',
        help='cpu, cuda, cuda:1, ...; default: CUDA if there is any',
    )


def positive(text: str) -> int:
    """A whole number of at least 1: ``type`` of an argument."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} is below 1')
    return number


def add_workers(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add ``--workers``, the number of processes; ``purpose``: of the help."""
    parser.add_argument(
        '--workers',
        type=int,
        default=len(os.sched_getaffinity(0))
        if hasattr(os, 'sched_getaffinity')
        else os.cpu_count() or 1,
        help=f'processes {purpose}; default: one per core',
    )


def add_shape(parser: argparse.ArgumentParser) -> None:
    """Add ``--shape``, the size of the network's input."""
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        default=[512, 1024],
        metavar=('H', 'W'),
        help="height and width of the network's input; default: 512 1024",
    )


def parse_distributed(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Add ``--launcher`` and parse; MMEngine reads a rank's variable."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what starts the processes of distributed training, for '
        'example pytorch for torchrun; default: none',
    )
    # torch.distributed.launch passes --local-rank, torchrun the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


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
    """MMEngine's action for ``--cfg-options``, which keeps a name's spaces.

    A malformed word is named.
    """

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        text = val.strip('\'"')
        if text[:1] in ('(', '['):
            # DictAction would drop the spaces of quoted names. One in
            # parentheses is a tuple to it.
            with suppress(ValueError, SyntaxError):
                if '"' in text or "'" in text:
                    value = ast.literal_eval(text)
                    return (value,) if isinstance(value, str) else value
        elif ' ' in text.strip() and ('/' in text or ',' not in text):
            return text
        return DictAction._parse_iterable(val)

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
