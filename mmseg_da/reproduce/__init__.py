from .collect import collect_row
from .report import build_report
from .run import run_rows
from .suites import ROWS, SUITES, TABLES, Row, select_rows

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
