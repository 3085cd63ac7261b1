from reproduction.collect import collect_row
from reproduction.report import build_report
from reproduction.run import run_rows
from reproduction.suites import ROWS, SUITES, TABLES, Row, select_rows

__all__ = [
    'ROWS',
    'SUITES',
    'TABLES',
    'Row',
    'build_report',
    'collect_row',
    'run_rows',
    'select_rows',
]
