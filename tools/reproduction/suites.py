"""The rows of the paper's tables, and the sizes that they are run at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mmseg_da.errors import InputError
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
    """

    table: str
    label: str
    config: str

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


def _rows(table: str, pattern: str, names: dict[str, str]) -> list[Row]:
    return [
        Row(table, label, f'configs/{pattern.format(name)}.py')
        for label, name in names.items()
    ]


ROWS = (
    *_rows(
        'table1',
        'cityscapes/{}_cityscapes',
        {
            'DeepLabV2-R101 CE': 'deeplabv2_ce',
            'BiSeNet-R18 CE': 'bisenet_ce',
            'DeepLabV2-R101 CE median-frequency': 'deeplabv2_mf',
            'BiSeNet-R18 CE median-frequency': 'bisenet_mf',
        },
    ),
    *_rows(
        'preliminary_10_epochs',
        'source_only/bisenet_{}_10e_gta2cs',
        {name: name for name in ('jitter', 'crop', 'flip')},
    ),
    *_rows(
        'table2',
        'source_only/bisenet_{}_gta2cs',
        {
            name: name.replace('+', '-')
            for name in (
                'none',
                'flip',
                'jitter',
                'jitter+flip',
                'jitter+flip+crop',
            )
        },
    ),
    *_rows('table3', 'da/bisenet_{}_gta2cs', {'adv': 'adv'}),
    *_rows(
        'table4',
        'da/bisenet_adv_{}_gta2cs',
        {
            'adv focal': 'focal',
            'adv focal weighted': 'focal-mf',
            'adv dice': 'dice',
            'adv dice weighted': 'dice-mf',
            'adv focal+dice alpha=0.5': 'focal-dice-a0.5',
            'adv focal+dice alpha=0.7': 'focal-dice-a0.7',
            'adv focal+dice alpha=0.3': 'focal-dice-a0.3',
        },
    ),
    *_rows(
        'deeplabv2',
        '{}_gta2cs',
        {
            'source only': 'source_only/deeplabv2_jitter',
            'adv': 'da/deeplabv2_adv',
        },
    ),
)


@dataclass(frozen=True)
class Suite:
    """Where the data is, and how a config is changed to run on it.

    Args:
        name (str): Name on the command line.
        data (str): Folder with ``gta5`` and ``cityscapes``.
        options (Callable): Gives the overrides of a config file.
        results (str): What the suite's numbers are called in the report.
        note (str): What has to be known of them.
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
        InputError: If there is none.

    Example:
        >>> [row.label for row in select_rows('table3')]
        ['adv']
    """
    if pattern is None:
        return list(ROWS)
    chosen = [
        row
        for row in ROWS
        if any(
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
