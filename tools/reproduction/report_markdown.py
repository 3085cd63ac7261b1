"""The report as Markdown, with its pictures beside it."""

from __future__ import annotations

import html

from reproduction import cells
from reproduction.texts import COST_NOTE, HEADINGS, READING


def escape(text: object) -> str:
    """Text that neither Markdown nor the HTML in it takes for markup."""
    text = html.escape(str(text), quote=False)
    for character in '\\`*_[]|':
        text = text.replace(character, '\\' + character)
    return text.replace('\n', ' ')


def code(text: object) -> str:
    """Text as code, in a table too."""
    return f'<code>{html.escape(str(text)).replace("|", "&#124;")}</code>'


def table(rows: cells.Table, code_columns: tuple[int, ...] = ()) -> str:
    """A table; numbers stand right, names left."""
    head, *body = rows
    lines = [head, [':--', *['--:'] * (len(head) - 1)]]
    texts = [' | '.join(map(escape, head)), ' | '.join(lines[1])]
    for row in body:
        texts.append(
            ' | '.join(
                (code if index in code_columns else escape)(cell)
                for index, cell in enumerate(row)
            )
        )
    return '\n'.join(f'| {text} |' for text in texts)


def picture(figure: dict) -> str:
    """A picture with its title, or why there is none."""
    if figure['file'] is None:
        return f'{escape(figure["title"])}: {escape(figure["error"])}'
    return f'![{escape(figure["title"])}](figures/{figure["file"]})'


def render_markdown(report: dict) -> str:
    """Write a report as Markdown.

    Args:
        report (dict): From :func:`reproduction.build_report`.

    Returns:
        str: GitHub-flavoured Markdown.
    """
    pictures = {figure['key']: figure for figure in report['figures']}
    parts = [
        f'# {HEADINGS[report["suite"]]}',
        f'{escape(cells.counts(report))} Made on {escape(report["date"])} by '
        f'{code(report["command"])}.',
        escape(report['note']),
        READING,
    ]
    failed = cells.failures(report)
    if failed:
        parts += ['## Rows that failed', table(failed)]
    suite, columns = report['suite'], report['columns']
    for one in report['tables']:
        parts.append(f'## {escape(one["title"])}')
        if one['note']:
            parts.append(f'Paper: {escape(one["note"])}.')
        rows = cells.main_table(one, columns, suite)
        parts.append(table(rows, (len(rows[0]) - 1,)))
        costs = cells.cost_table(one)
        if costs:
            parts += [COST_NOTE, table(costs)]
        classes = cells.class_table(one, columns, report['classes'])
        if classes:
            parts += ['IoU of each class, in percent:', table(classes)]
        if one['key'] in pictures:
            parts.append(picture(pictures.pop(one['key'])))
    if pictures:
        parts.append('## Figures')
    for figure in pictures.values():
        parts += [f'### {escape(figure["title"])}', picture(figure)]
    parts += ['## Commands', table(cells.commands(report), (1, 2))]
    environment = [['', ''], *map(list, report['environment'].items())]
    parts += ['## Versions', table(environment)]
    return '\n\n'.join(part for part in parts if part) + '\n'
