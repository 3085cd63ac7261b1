"""The report as Markdown, and as one HTML file that needs nothing else."""

import base64
import html
import re
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reproduction import cells
from reproduction.texts import COST_NOTE, HEADINGS, READING


def escape_markdown(text: object) -> str:
    """Escape what Markdown, or the HTML in it, would take for markup."""
    text = html.escape(str(text), quote=False)
    for character in '\\`*_[]|':
        text = text.replace(character, '\\' + character)
    return text.replace('\n', ' ')


def escape_code(text: object) -> str:
    """Mark text as code so that a Markdown table can hold it."""
    return f'<code>{html.escape(str(text)).replace("|", "&#124;")}</code>'


def embed(folder: Path, name: str) -> str:
    """Read a picture as a ``data:`` URL."""
    content = base64.b64encode((folder / name).read_bytes())
    return f'data:image/png;base64,{content.decode()}'


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name('templates')),
    # Markdown has escapes of its own, the two filters below.
    autoescape=lambda name: name.endswith('.html'),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters.update(md=escape_markdown, code=escape_code)


def _render(name: str, report: dict, **values: object) -> str:
    figures = {figure['key']: figure for figure in report['figures']}
    keys = [table['key'] for table in report['tables']]
    return TEMPLATES.get_template(name).render(
        report=report,
        cells=cells,
        heading=HEADINGS[report['suite']],
        reading=READING,
        cost_note=COST_NOTE,
        # Curves stand in their table's section, the other figures alone.
        curves={key: figures.pop(key) for key in keys if key in figures},
        figures=list(figures.values()),
        **values,
    )


def render_html(report: dict, folder: Path) -> str:
    """Render a report as one HTML page.

    Args:
        report (dict): From :func:`reproduction.report.build_report`.
        folder (Path): Folder of the report's pictures.

    Returns:
        str: The page, with style and pictures inside.
    """
    return _render('report.html', report, embed=partial(embed, folder))


def render_markdown(report: dict) -> str:
    """Render a report as GitHub-flavoured Markdown.

    Args:
        report (dict): From :func:`reproduction.report.build_report`.

    Returns:
        str: The page; its pictures are in ``figures/`` beside it.
    """
    # Parts that are left out leave empty lines behind.
    return re.sub(r'\n{3,}', '\n\n', _render('report.md', report))
