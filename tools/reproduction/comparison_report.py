"""The table of a comparison, from the runs that it left."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median, stdev

from mmseg_da.errors import InputError
from reproduction import experiments
from reproduction.comparison import Comparison, work_dir


def collect(
    comparison: Comparison, seeds: list[int], out: Path
) -> dict[str, dict]:
    """Collect what the runs left.

    Returns:
        dict[str, dict]: By label: ``plain`` and ``bn``, lists of metrics in
        the order of the seeds, and ``seconds`` an iteration.

    Raises:
        InputError: If a run is missing.
    """
    rows = {}
    for method in comparison.methods:
        row: dict = dict(config=method.config, plain=[], bn=[], seconds=[])
        for seed in seeds:
            folder = work_dir(method, seed, out)
            for kind in ('plain', 'bn') if comparison.adapt_bn else ('plain',):
                record = experiments.read_json(
                    folder / kind / 'experiment.json'
                )
                if not record:
                    raise InputError(
                        f'{folder / kind} holds no result: run the command '
                        'without --report-only first.'
                    )
                row[kind].append(record['metrics'])
            row['seconds'].append(_seconds(folder))
        rows[method.label] = row
    return rows


def _seconds(folder: Path) -> float:
    """Median seconds of a training iteration, over the logged windows."""
    lines = [
        line
        for path in folder.glob('2*/vis_data/scalars.json')
        for line in path.read_text().splitlines()
        # A run that was killed may have left half a line.
        if line.endswith('}')
    ]
    entries = map(json.loads, lines)
    return median(entry['time'] for entry in entries if 'loss' in entry)


def _spread(values: list[float]) -> str:
    if len(values) < 2:
        return f'{values[0]:.2f}'
    return f'{mean(values):.2f} ± {stdev(values):.2f}'


def _table(comparison: Comparison, rows: dict[str, dict]) -> Iterator[str]:
    metric = comparison.metric

    def values(label: str, kind: str = 'plain') -> list[float]:
        return [metrics[metric] for metrics in rows[label][kind]]

    head = [metric, 'over its control', 'of the gap']
    if comparison.adapt_bn:
        head.append('BatchNorm re-estimated')
    head += ['time of an iteration', *comparison.classes]
    yield f'| | {" | ".join(head)} |'
    yield '|---' + '|--:' * len(head) + '|'
    first = mean(next(iter(rows.values()))['seconds'])
    low, high = (mean(values(label)) for label in comparison.gap)
    for method in comparison.methods:
        row, own = rows[method.label], values(method.label)
        cells = [_spread(own), '-', f'{(mean(own) - low) / (high - low):.0%}']
        if method.control:
            pairs = [a - b for a, b in zip(own, values(method.control))]
            wins = sum(pair > 0 for pair in pairs)
            cells[1] = (
                f'{_spread(pairs)} ({wins} of {len(pairs)}) over '
                f'{method.control}'
            )
        if comparison.adapt_bn:
            cells.append(_spread(values(method.label, 'bn')))
        cells.append(f'{mean(row["seconds"]) / first:.2f}')
        for name in comparison.classes:
            # A class that is neither in the images nor predicted has none.
            ious = [run.get(f'IoU.{name}') for run in row['plain']]
            cells.append('-' if None in ious else f'{mean(ious):.1f}')
        yield f'| {method.label} | {" | ".join(cells)} |'


def write_comparison(
    comparison: Comparison,
    seeds: list[int],
    out: Path,
    command: list[str],
) -> list[Path]:
    """Write the table as Markdown and everything as JSON.

    Returns:
        list[Path]: The files.
    """
    rows, gap = collect(comparison, seeds, out), comparison.gap
    bn = ' BatchNorm is re-estimated on the training images of the target.'
    text = [
        f'# {comparison.name}',
        '',
        f'`python {shlex.join(command)}`',
        '',
        f'{comparison.metric} and IoU in percent: mean and sample standard '
        f'deviation over the seeds {", ".join(map(str, seeds))} of the last '
        'iterate. Differences are paired by seed; in brackets, the number of '
        f'seeds with a gain. The gap lies between {" and ".join(gap)}. Times '
        f'are relative to the first row.{bn if comparison.adapt_bn else ""}',
        '',
        *_table(comparison, rows),
        '',
    ]
    paths = [out / 'report.md', out / 'results.json']
    paths[0].write_text('\n'.join(text))
    experiments.write_json(
        paths[1], dict(command=command, seeds=seeds, rows=rows)
    )
    return paths
