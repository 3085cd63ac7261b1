"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from reproduction import cells
from reproduction.html_elements import Html, element
from reproduction.texts import COST_NOTE, HEADINGS, READING

STYLE = Path(__file__).with_name('report.css').read_text(encoding='utf-8')


def table(
    rows: cells.Table,
    code: Sequence[int] = (),
    text: Sequence[int] = (),
    shade: bool = False,
) -> Html:
    """A table in a box of its own to scroll.

    Args:
        rows (list[list[str]]): Texts, the head first.
        code (Sequence[int]): Columns of code.
        text (Sequence[int]): Columns of sentences.
        shade (bool): Whether cells are the bluer the larger their number.

    Returns:
        Html: The box.
    """
    head, *body = rows
    left = {*code, *text}
    names = [
        element('th', cell, **({'class_': 'text'} if i in left else {}))
        for i, cell in enumerate(head)
    ]
    lines = []
    for row in body:
        line = [element('th', row[0], scope='row')]
        for index, cell in enumerate(row[1:], 1):
            line.append(_cell(cell, index in code, index in text, shade))
        paper = {'class_': 'paper'} if row[0].endswith(', paper') else {}
        lines.append(element('tr', line, **paper))
    return element(
        'div',
        element(
            'table',
            element('thead', element('tr', names)),
            element('tbody', lines),
        ),
        class_='scroll',
        tabindex=0,
    )


def _cell(cell: str, code: bool, text: bool, shade: bool) -> Html:
    if code:
        return element('td', element('code', cell), class_='text')
    if text:
        return element('td', cell, class_='text long')
    if cell in ('not run', 'not finished', 'failed'):
        name = 'failed' if cell == 'failed' else 'absent'
        return element('td', cell, class_=name)
    if shade and cell.replace('.', '', 1).isdigit():
        strength = 0.35 * min(float(cell), 100) / 100
        style = f'background: rgba(var(--blue), {strength:.3f})'
        return element('td', cell, style=style)
    return element('td', cell)


def picture(figure: dict, folder: Path) -> Html:
    """A picture inside the page, or why there is none."""
    if figure['file'] is None:
        return element('p', f'{figure["title"]}: {figure["error"]}')
    content = base64.b64encode((folder / figure['file']).read_bytes())
    image = element(
        'img',
        src=f'data:image/png;base64,{content.decode()}',
        alt=figure['title'],
    )
    return element(
        'figure',
        element('div', image, class_='scroll', tabindex=0),
        element('figcaption', figure['title']),
    )


def render_html(report: dict, folder: Path) -> str:
    """Write a report as one HTML page.

    Args:
        report (dict): From :func:`reproduction.build_report`.
        folder (Path): Where the report's pictures are.

    Returns:
        str: The page; style and pictures are inside.
    """
    title = HEADINGS[report['suite']]
    pictures = {figure['key']: figure for figure in report['figures']}
    curves = {
        one['key']: pictures.pop(one['key'])
        for one in report['tables']
        if one['key'] in pictures
    }
    sections = [(t['key'], t['title']) for t in report['tables']]
    sections += [(f['key'], f['title']) for f in pictures.values()]
    sections += [('commands', 'Commands'), ('versions', 'Versions')]
    body = [
        element('h1', title),
        element('p', cells.counts(report)),
        element('p', report['note'], class_='note') if report['note'] else [],
        element('p', READING),
        element(
            'p',
            f'Made on {report["date"]} by ',
            element('code', report['command']),
            class_='soft',
        ),
        element(
            'nav',
            [
                element('a', name.split(':')[0], href=f'#{key}')
                for key, name in sections
            ],
        ),
    ]
    failed = cells.failures(report)
    if failed:
        body += [element('h2', 'Rows that failed'), table(failed, text=[1])]
    for one in report['tables']:
        body += _section(one, report)
        if one['key'] in curves:
            body.append(picture(curves[one['key']], folder))
    for key, figure in pictures.items():
        body.append(element('h2', figure['title'], id=key))
        body.append(picture(figure, folder))
    body += [
        element('h2', 'Commands', id='commands'),
        table(cells.commands(report), code=[1, 2]),
        element('h2', 'Versions', id='versions'),
        table([['', ''], *map(list, report['environment'].items())]),
    ]
    head = element(
        'head',
        element('meta', charset='utf-8'),
        element(
            'meta',
            name='viewport',
            content='width=device-width, initial-scale=1',
        ),
        element('title', title),
        # Not escaped: the package's own file, no part of the report.
        Html(f'<style>{STYLE}</style>'),
    )
    page = element('html', head, element('body', element('main', body)))
    return f'<!doctype html>\n{page}\n'


def _section(one: dict, report: dict) -> list:
    suite, columns = report['suite'], report['columns']
    parts = [element('h2', one['title'], id=one['key'])]
    if one['note']:
        parts.append(element('p', f'Paper: {one["note"]}.', class_='soft'))
    rows = cells.main_table(one, columns, suite)
    parts.append(table(rows, code=[len(rows[0]) - 1]))
    costs = cells.cost_table(one)
    if costs:
        parts += [
            element('h3', 'Cost'),
            element('p', COST_NOTE, class_='soft'),
            table(costs),
        ]
    classes = cells.class_table(one, columns, report['classes'])
    if classes:
        parts += [
            element('h3', 'IoU of each class, in percent'),
            table(classes, shade=True),
        ]
    return parts
