"""Time this project side by side with what would be used instead.

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
from launch.cli import one_sentence_errors
from mmseg_da.errors import InputError
from mmseg_da.utils.device import pick_device


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        '--quick',
        action='store_true',
        help='tiny sizes, to see that all of it runs; times mean nothing',
    )
    parser.add_argument(
        '--out',
        default='work_dirs/benchmark',
        help='folder for JSON, table and pictures; default: %(default)s',
    )
    parser.add_argument(
        '--only', nargs='+', metavar='GROUP', help='default: all groups'
    )
    parser.add_argument(
        '--device', default='auto', help='default: CUDA if there is any'
    )
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--warmup', type=int, default=1)
    parser.add_argument(
        '--seconds',
        type=float,
        default=120.0,
        help='no more rounds of a comparison after it; default: %(default)s',
    )
    parser.add_argument(
        '--cpu-time',
        action='store_true',
        help="measure the processor's time, not the clock's: on a machine "
        'that does other things too, with --threads 1',
    )
    parser.add_argument(
        '--checkpoint',
        help="weights of the paper's BiSeNet; default: random ones",
    )
    parser.add_argument('--threads', type=int, help='CPU threads of PyTorch')
    return parser.parse_args(argv)


def show(comparison: dict) -> None:
    """Print a comparison's table."""
    print(f'\n### {comparison["title"]}\n\n{COLUMNS}')
    for case in comparison['cases']:
        print(to_row(case), flush=True)


def main(argv: Sequence[str] | None = None) -> dict:
    args = parse_args(argv)
    if args.rounds < 1 or args.warmup < 0:
        raise InputError(
            f'--rounds {args.rounds} --warmup {args.warmup} cannot be timed: '
            'take at least 1 round after at least 0.'
        )
    if args.threads is not None:
        if args.threads < 1:
            raise InputError(f'--threads is {args.threads}: give 1 or more.')
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
        # After each comparison: what is done stays if the run is stopped.
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
            'These were not timed, as they failed or their results are not '
            f"the baseline's: {'; '.join(wrong)}."
        )
    return results


if __name__ == '__main__':
    with one_sentence_errors():
        main()
