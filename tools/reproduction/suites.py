"""The rows of the paper's tables, and the sizes that they are run at."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from mmengine.fileio import load

from mmseg_da.errors import InputError
from mmseg_da.utils.config import REPO_ROOT
from reproduction.demo_options import demo_options

#: What the paper prints, and what it says about it.
PAPER = json.loads(
    Path(__file__).with_name('paper_tables.json').read_text(encoding='utf-8')
)
CLASSES: list[str] = PAPER['classes']
#: Tables by their key in the paper's numbers, in the order of the report.
TABLES = {
    'table1': 'Table 1: trained on Cityscapes itself',
    'preliminary_10_epochs': 'Before Table 2: augmentations, 10 epochs',
    'table2': 'Table 2: trained on GTA5, by augmentation',
    'table3': 'Table 3: adapted to Cityscapes',
    'table4': 'Table 4: adapted to Cityscapes, by loss',
    'deeplabv2': 'DeepLabV2-R101, adapted at one level after Tsai et al.',
}


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        table (str): Key in :data:`TABLES`.
        label (str): Name of the row, as in the paper's numbers.
        config (str): Config file, relative to the project.
        recipe (dict): ``Metadata`` of the row in its metafile, on top of
            those of its collection.
    """

    table: str
    label: str
    config: str
    recipe: dict = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """str: Name of the row's work dir, and what ``--only`` matches."""
        return Path(self.config).stem

    @property
    def paper(self) -> dict:
        """dict: What the paper prints: ``mIoU``, ``IoU`` by class, ..."""
        table = PAPER.get(self.table, {})
        numbers = table.get('rows', table).get(self.label, {})
        return numbers if isinstance(numbers, dict) else {'mIoU': numbers}


def read_rows(root: Path = REPO_ROOT) -> list[Row]:
    """Read the rows from the metafiles that ``model-index.yml`` joins.

    Args:
        root (Path): Folder of ``model-index.yml``. Defaults to the
            project's.

    Returns:
        list[Row]: Rows in the order of :data:`TABLES`, then of the files.
    """
    rows = []
    for path in load(root / 'model-index.yml')['Import']:
        metafile = load(root / path)
        common = {
            one['Name']: one['Metadata'] for one in metafile['Collections']
        }
        for model in metafile['Models']:
            own = model.get('Metadata', {})
            if 'Table' in own:
                recipe = common[model['In Collection']] | own
                rows.append(
                    Row(own['Table'], own['Row'], model['Config'], recipe)
                )
    return sorted(rows, key=lambda row: list(TABLES).index(row.table))


ROWS = read_rows()


def list_rows(rows: Sequence[Row] = ROWS) -> str:
    """List rows as the Markdown table of docs/reproduce_paper.md."""
    lines = ['| Table | Row | mIoU printed | Config |', '|---|---|--:|---|']
    for row in rows:
        table = TABLES[row.table].split(':')[0].split(',')[0]
        printed = row.paper.get('mIoU')
        miou = '-' if printed is None else f'{printed:.2f}'
        lines.append(f'| {table} | {row.label} | {miou} | `{row.config}` |')
    return '\n'.join(lines)


@dataclass(frozen=True)
class Suite:
    """Where the data is, and how a config is changed to run on it.

    Args:
        name (str): Name on the command line.
        data (str): Folder with ``gta5`` and ``cityscapes``.
        options (Callable): Gives the overrides of a config file.
        results (str): What the suite's numbers are called in the report.
        note (str): What a reader of these numbers has to know.
    """

    name: str
    data: str
    options: Callable[[str], dict]
    results: str
    note: str = ''


SUITES = {
    'paper': Suite('paper', 'data', lambda config: {}, 'Measured'),
    'demo': Suite(
        'demo',
        'data/demo',
        demo_options,
        'Demo',
        'Demo numbers come from rendered images at an eighth of the paper’s '
        'size, a few dozen iterations in batches of 4, and networks trained '
        'from scratch. They show that a row runs from its config to its '
        'number. They say nothing about how good a method is, and are not to '
        'be compared with the paper’s.',
    ),
}


def select_rows(pattern: str | None = None) -> list[Row]:
    """Choose rows.

    Args:
        pattern (str, optional): Part of, or shell-style pattern for, the
            row's table, config name, or ``table/label``. Defaults to None:
            all.

    Returns:
        list[Row]: The rows, in the paper's order.

    Raises:
        InputError: If no row matches.

    Example:
        >>> [row.label for row in select_rows('table3')]
        ['adv']
    """
    chosen = [
        row
        for row in ROWS
        if pattern is None
        or any(
            fnmatch(text, f'*{pattern}*')
            for text in (row.name, f'{row.table}/{row.label}')
        )
    ]
    if not chosen:
        raise InputError(
            f'--only {pattern} matches no row; the rows are '
            f'{", ".join(row.name for row in ROWS)}, and their tables '
            f'{", ".join(TABLES)}.'
        )
    return chosen
