"""Run every row of the paper and lay its numbers beside the paper's.

    python tools/reproduce.py --suite demo     # rendered data, on a CPU
    python tools/reproduce.py --suite paper    # GTA5 and Cityscapes
    python tools/reproduce.py --suite carla2camvid --seeds 0 1 2 --jobs 2

Stopped and started again, the tool goes on where it was. Finished rows are
not run again.
"""

import argparse
import sys
from pathlib import Path

from launch.cli import command_parser, one_sentence_errors, positive
from reproduction.comparison import (
    COMPARISONS,
    list_methods,
    read_comparison,
    select_methods,
)
from reproduction.comparison_report import write_comparison
from reproduction.comparison_runs import run_comparison
from reproduction.experiments import end_on_sigterm
from reproduction.run import (
    check_data,
    make_demo_data,
    make_statistics,
    run_benchmarks,
    run_rows,
)
from reproduction.suites import SUITES, list_rows, select_rows
from reproduction.write import write_report


def parse_args() -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument(
        '--suite', choices=[*SUITES, *COMPARISONS], default='demo'
    )
    parser.add_argument(
        '--only',
        metavar='PATTERN',
        help='run only the rows whose config name or table/label contains '
        'this, for example table4 or "bisenet_adv*"; of a comparison, the '
        'rows whose label does (several words with commas between them), and '
        'their controls',
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=[0],
        help='seeds of a comparison; default: 0',
    )
    parser.add_argument(
        '--jobs',
        type=positive,
        default=1,
        help='trainings of a comparison at a time, one thread each if '
        'several; default: 1',
    )
    parser.add_argument(
        '--data',
        default='data',
        help="folder of a comparison's data sets; default: data",
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='folder for the runs and the report; default: '
        'work_dirs/SUITE of a comparison, else work_dirs/reproduce_SUITE',
    )
    parser.add_argument(
        '--report-only',
        action='store_true',
        help='train nothing; write the report of the runs that are there',
    )
    parser.add_argument(
        '--list',
        action='store_true',
        help='print the rows and do nothing else',
    )
    return parser.parse_args()


def compare(args: argparse.Namespace) -> int:
    """Run a comparison and write its table."""
    comparison = read_comparison(args.suite)
    if args.only:
        comparison = select_methods(comparison, args.only)
    if args.list:
        print(list_methods(comparison))
        return 0
    out = args.out or Path(f'work_dirs/{comparison.name}')
    if not args.report_only:
        run_comparison(comparison, args.seeds, args.data, out, args.jobs)
    command = ['tools/reproduce.py', *sys.argv[1:]]
    for path in write_comparison(comparison, args.seeds, out, command):
        print(path)
    return 0


def main() -> int:
    args = parse_args()
    if args.suite in COMPARISONS:
        return compare(args)
    suite, rows = SUITES[args.suite], select_rows(args.only)
    if args.list:
        print(list_rows(rows))
        return 0
    out = args.out or Path(f'work_dirs/reproduce_{suite.name}')
    failed = []
    if not args.report_only:
        if suite.name == 'demo':
            make_demo_data(suite, out)
        check_data(rows, suite)
        make_statistics(suite, out)
        failed = run_rows(rows, suite, out)
        run_benchmarks(rows, out)
    for path in write_report(
        suite, out, ['tools/reproduce.py', *sys.argv[1:]]
    ):
        print(path)
    return 1 if failed else 0


if __name__ == '__main__':
    end_on_sigterm()
    with one_sentence_errors():
        sys.exit(main())
