"""Results as JSON, as Markdown tables and as pictures."""

import json
from collections import defaultdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from analysis.grid import save_figure
from mmseg_da.utils.files import atomic_path

COLUMNS = (
    '| Case | Median, ms [quartiles] | Ratio [quartiles] | Goal '
    '| Images per second | Peak memory, MiB (ratio) '
    '| Share of the matmul rate | Result |\n'
    '|:--|--:|--:|:--|--:|--:|--:|:--|'
)


def write_report(results: dict, out: str | Path, command: str) -> list[Path]:
    """Write ``benchmark.json``, ``benchmark.md`` and the pictures.

    Args:
        results (dict): What :func:`run_suite` returns.
        out (str | Path): Folder; it is created if missing.
        command (str): The command that made the results.

    Returns:
        list[Path]: The files that were written.
    """
    out = Path(out)
    results = {'command': command, **results}
    pictures = draw_growth(results['comparisons'], out)
    texts = {
        'benchmark.json': json.dumps(results, indent=2) + '\n',
        'benchmark.md': to_markdown(results, [p.name for p in pictures]),
    }
    for name, text in texts.items():
        with atomic_path(out / name) as partial:
            partial.write_text(text, encoding='utf-8')
    return [*(out / name for name in texts), *pictures]


def to_markdown(results: dict, pictures: list[str] = ()) -> str:
    """Render results by the template ``report.md`` beside this file."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters['row'] = to_row
    return templates.get_template('report.md').render(
        results=results,
        machine=results['machine'],
        settings=results['settings'],
        missed=list(_missed(results['comparisons'])),
        columns=COLUMNS,
        pictures=pictures,
    )


GOALS = {
    'goal': ('ratio', 'ratio'),
    'memory_goal': ('memory_ratio', 'memory ratio'),
    'fps_goal': ('fps', 'images per second'),
}


def _missed(comparisons: list[dict]):
    for comparison in comparisons:
        for case in comparison['cases']:
            for goal, (key, words) in GOALS.items():
                timed = case['status'] == 'ok'
                # Peak memory cannot be measured everywhere.
                unknown = timed and key not in case
                if goal not in case or case.get(f'{goal}_met') or unknown:
                    continue
                found = f'{words} {case[key]:.2f}' if timed else case['status']
                yield (
                    f'{comparison["title"]}, {case["name"]}: {found}, '
                    f'goal {case[goal]:g}'
                )


def to_row(case: dict) -> str:
    """Format a case as a row of a Markdown table."""
    name = case['name'] + (f' ({case["note"]})' if case['note'] else '')
    result = case['agreement']
    if case['status'] != 'ok':
        return f'| {name} | | | | | | | {case["status"]}: {result} |'
    goals = [
        f'{case[goal]:g} {"met" if case[f"{goal}_met"] else "missed"}'
        for goal in ('goal', 'fps_goal')
        if f'{goal}_met' in case
    ]
    memory = share = fps = ''
    if 'fps' in case:
        fps = f'{case["fps"]:.1f}'
    if case.get('peak_mib') is not None:
        memory = f'{case["peak_mib"]:.0f}'
        if 'memory_ratio' in case:
            memory += f' ({case["memory_ratio"]:.2f})'
    if 'share_of_matmul' in case:
        share = f'{100 * case["share_of_matmul"]:.0f} %'
    return (
        f'| {name} | {case["median_ms"]:.2f} [{case["q1_ms"]:.2f}, '
        f'{case["q3_ms"]:.2f}] | {case["ratio"]:.3f} '
        f'[{case["ratio_q1"]:.3f}, {case["ratio_q3"]:.3f}] '
        f'| {", ".join(goals)} | {fps} | {memory} | {share} | {result} |'
    )


def draw_growth(comparisons: list[dict], out: str | Path) -> list[Path]:
    """Draw time against the growing quantity, one picture per family."""
    families = defaultdict(list)
    for comparison in comparisons:
        if comparison['at'] is not None:
            key = comparison['family'], comparison['axis']
            families[key].append(comparison)
    paths = []
    for (family, axis), members in families.items():
        if len(members) < 2:
            continue
        lines = defaultdict(list)
        for comparison in members:
            for case in comparison['cases']:
                if case['status'] == 'ok':
                    lines[case['name']].append(
                        (comparison['at'], case['median_ms'])
                    )
        figure = Figure(figsize=(7, 4.5), dpi=120, layout='constrained')
        axes = figure.add_subplot()
        for name, points in lines.items():
            axes.plot(*zip(*sorted(points)), marker='o', label=name)
        axes.set(xscale='log', yscale='log', xlabel=axis, ylabel='median, ms')
        ticks = sorted({comparison['at'] for comparison in members})
        axes.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
        axes.minorticks_off()
        axes.set_title(family)
        axes.grid(color='0.88')
        axes.legend(frameon=False, fontsize=8)
        name = '_'.join(f'{family} {axis}'.replace(',', '').split())
        paths.append(save_figure(figure, Path(out) / f'{name}.png'))
    return paths
