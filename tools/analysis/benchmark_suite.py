"""Time this project side by side with the code it replaces.

Results are written after each comparison, so that a stopped run loses little.

    python tools/analysis/benchmark_suite.py --out work_dirs/benchmark
    python tools/analysis/benchmark_suite.py --quick --only inference
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import Settings, run_suite
from benchmarks.report import COLUMNS, to_row, write_report
from launch.cli import command_parser, one_sentence_errors, positive
from mmseg_da.errors import InputError
from mmseg_da.utils.device import pick_device


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument(
        '--quick',
        action='store_true',
        help='tiny sizes: shows that everything runs; the times mean nothing',
    )
    parser.add_argument(
        '--out',
        default='work_dirs/benchmark',
        help='folder for JSON, tables and pictures; default: %(default)s',
    )
    parser.add_argument(
        '--only',
        nargs='+',
        metavar='GROUP',
        help='groups to run; default: all',
    )
    parser.add_argument(
        '--device',
        default='auto',
        help='cpu or cuda; default: CUDA if available',
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=5,
        help='timed rounds; default: %(default)s',
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=1,
        help='rounds before the timed ones; default: %(default)s',
    )
    parser.add_argument(
        '--seconds',
        type=float,
        default=120.0,
        help='start no further round of a comparison after this time; '
        'default: %(default)s',
    )
    parser.add_argument(
        '--cpu-time',
        action='store_true',
        help="measure the processor's time instead of the clock's; use it "
        'with --threads 1 on a machine that is busy with other work',
    )
    parser.add_argument(
        '--checkpoint',
        help="weights of the paper's BiSeNet; default: random weights",
    )
    parser.add_argument(
        '--threads', type=positive, help='CPU threads of PyTorch'
    )
    return parser.parse_args(argv)


def show(comparison: dict) -> None:
    """Print the table of a comparison."""
    print(f'\n### {comparison["title"]}\n\n{COLUMNS}')
    for case in comparison['cases']:
        print(to_row(case), flush=True)


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    if args.rounds < 1 or args.warmup < 0:
        raise InputError(
            f'--rounds {args.rounds} with --warmup {args.warmup} cannot be '
            'timed: give at least 1 round, and 0 or more of warm-up.'
        )
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    settings = Settings(
        quick=args.quick,
        device=pick_device(args.device),
        rounds=args.rounds,
        warmup=args.warmup,
        seconds=args.seconds,
        cpu_time=args.cpu_time,
        checkpoint=args.checkpoint,
    )
    given = sys.argv[1:] if argv is None else argv
    command = f'python tools/analysis/benchmark_suite.py {shlex.join(given)}'

    def keep(results: dict) -> list[Path]:
        show(results['comparisons'][-1])
        return write_report(results, args.out, command.strip())

    results = run_suite(settings, args.only, keep)
    print(f'Wrote {args.out}')
    wrong = [
        f'{case["name"]} ({case["status"]}: {case["agreement"]})'
        for comparison in results['comparisons']
        for case in comparison['cases']
        if case['status'] in ('different', 'failed')
    ]
    if wrong:
        raise InputError(
            'These cases were not timed, because they failed or their results '
            f"differ from the baseline's: {'; '.join(wrong)}."
        )
    return results


if __name__ == '__main__':
    with one_sentence_errors():
        main()
