"""Writes the report of a suite."""

from pathlib import Path

from mmseg_da.utils.files import atomic_path
from reproduction.experiments import write_json
from reproduction.figures import draw_all
from reproduction.render import render_html, render_markdown
from reproduction.report import build_report
from reproduction.suites import Suite


def write_report(
    suite: Suite, runs: Path, command: list[str], real: Path | None = None
) -> list[Path]:
    """Write ``report/`` with its pictures: Markdown, HTML and JSON.

    Args:
        suite (Suite): The suite.
        runs (Path): Folder of its work dirs, and of the report.
        command (list[str]): The command that makes the report.
        real (Path, optional): Folder of the work dirs of the suite
            ``paper``. Defaults to ``work_dirs/reproduce_paper``.

    Returns:
        list[Path]: The three files.
    """
    if real is None:
        real = Path('work_dirs/reproduce_paper')
    if suite.name == 'paper':
        real = runs
    folder = runs / 'report'
    report = build_report(suite, runs, real, command)
    pictures = folder / 'figures'
    report['figures'] = draw_all(report['tables'], suite, runs, pictures)
    texts = {
        'report.md': render_markdown(report),
        'report.html': render_html(report, pictures),
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as partial:
            partial.write_text(text, encoding='utf-8')
    write_json(folder / 'results.json', report)
    return [folder / name for name in (*texts, 'results.json')]
