"""Methods beside their controls: the same start, length and seeds."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from statistics import mean, median, stdev

from mmengine.config import Config
from mmengine.fileio import load

from mmseg_da.errors import InputError
from mmseg_da.utils.config import REPO_ROOT
from mmseg_da.utils.config_tree import iter_dicts
from reproduction import experiments

#: Each is a folder of configs with its rows in metafile.yaml. tools/demo.py
#: runs another one, configs/demo.
COMPARISONS = 'carla2camvid', 'ablation'


@dataclass(frozen=True)
class Method:
    """A row of a comparison, as its metafile gives it.

    Args:
        label (str): Name in the table.
        config (str): Config file, relative to the project.
        control (str, optional): Label of the row to compare with.
        start (str, optional): Label of the row whose last checkpoint it
            starts from.
    """

    label: str
    config: str
    control: str | None = None
    start: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What all rows of a comparison share.

    Args:
        name (str): Folder of the configs.
        methods (list[Method]): Rows in the order of the table.
        metric (str): Name of the metric that is compared.
        classes (list[str]): Classes whose IoU the table shows.
        gap (list[str]): Labels of the rows between which the gap lies.
        adapt_bn (str, optional): Config whose target re-estimates BatchNorm.
    """

    name: str
    methods: list[Method]
    metric: str
    classes: list[str]
    gap: list[str]
    adapt_bn: str | None


def read_comparison(name: str) -> Comparison:
    """Read a comparison from its metafile."""
    metafile = load(REPO_ROOT / f'configs/{name}/metafile.yaml')
    common = metafile['Collections'][0]['Metadata']
    models = [
        model
        for path, rows in common.get('Rows Of', {}).items()
        for model in load(REPO_ROOT / path)['Models']
        if model['Metadata'].get('Row') in rows
    ]
    methods = [
        Method(
            model['Metadata']['Row'],
            model['Config'],
            model['Metadata'].get('Control'),
            model['Metadata'].get('Start'),
        )
        for model in [*models, *metafile['Models']]
        if 'Row' in model.get('Metadata', {})
    ]
    labels = [method.label for method in methods]
    return Comparison(
        name,
        # A row of another folder may have a control that is not among them.
        [
            replace(
                one, control=one.control if one.control in labels else None
            )
            for one in methods
        ],
        common['Metric'],
        common['Classes'],
        common['Gap'],
        common.get('BatchNorm Config'),
    )


def select_methods(comparison: Comparison, pattern: str) -> Comparison:
    """Keep the rows that match, and those that they are compared with.

    Args:
        comparison (Comparison): All rows.
        pattern (str): Part of a row's label, or a glob pattern of it, or
            several with commas between them.

    Returns:
        Comparison: With the rows that match, their controls and starts, and
        the two rows of the gap.

    Raises:
        InputError: If no row matches.
    """
    by_label = {method.label: method for method in comparison.methods}
    wanted = [
        label
        for label in by_label
        if any(fnmatch(label, f'*{one}*') for one in pattern.split(','))
    ]
    if not wanted:
        raise InputError(
            f'--only {pattern} matches none of the rows of {comparison.name}: '
            f'{", ".join(by_label)}.'
        )
    wanted += comparison.gap
    for label in wanted:
        method = by_label[label]
        for other in (method.control, method.start):
            if other is not None and other not in wanted:
                wanted.append(other)
    methods = [one for one in comparison.methods if one.label in wanted]
    return replace(comparison, methods=methods)


def data_options(config: str, data: str) -> dict[str, object]:
    """The ``--cfg-options`` that lead from ``data/`` to another folder."""
    cfg = Config.fromfile(str(REPO_ROOT / config))
    parts = [f'{split}_dataloader' for split in ('train', 'val', 'test')]
    return {
        f'{key}.data_root': re.sub('^data', data, node['data_root'])
        for part in (*parts, 'default_hooks')
        for key, node in iter_dicts(cfg[part], part)
        if 'data_root' in node
    }


def run_comparison(
    comparison: Comparison,
    seeds: list[int],
    data: str,
    out: Path,
    jobs: int,
    own: Mapping[str, object] | None = None,
) -> None:
    """Train and test each row with each seed; finished runs are not repeated.

    Args:
        comparison (Comparison): What to run.
        seeds (list[int]): Seeds, paired over the rows.
        data (str): Folder of the data sets.
        out (Path): Folder of the work dirs.
        jobs (int): Trainings at a time, one thread each if several.
        own (dict, optional): Further ``--cfg-options`` of each training.
    """
    if jobs > 1:
        os.environ['OMP_NUM_THREADS'] = '1'
    for starts in (False, True):
        tasks = [
            (comparison, method, seed, data, out, own or {})
            for seed in seeds
            for method in comparison.methods
            if bool(method.start) == starts
        ]
        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(_run, *task) for task in tasks]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                # Leaving the block would wait for all the other runs.
                pool.shutdown(wait=False, cancel_futures=True)
                while not all(future.done() for future in futures):
                    # Again, for a run that was about to begin.
                    experiments.stop_running()
                    time.sleep(0.1)
                raise


def _run(
    comparison: Comparison,
    method: Method,
    seed: int,
    data: str,
    out: Path,
    own: Mapping[str, object],
) -> None:
    folder, title = work_dir(method, seed, out), f'{method.label} {seed}'
    options = data_options(method.config, data)
    own = {'randomness.seed': seed, **own}
    if method.start:
        first = next(
            one for one in comparison.methods if one.label == method.start
        )
        own['load_from'] = experiments.last_checkpoint(
            work_dir(first, seed, out)
        )
    metrics = experiments.train(method.config, folder, options | own, title)
    checkpoint = experiments.last_checkpoint(folder)
    cfg = Config.fromfile(str(REPO_ROOT / method.config))
    if cfg.test_dataloader == cfg.val_dataloader:
        # Validation of the last iterate was the test.
        experiments.write_json(
            folder / 'plain/experiment.json', dict(metrics=metrics)
        )
    else:
        experiments.test(
            method.config, checkpoint, folder / 'plain', options, title
        )
    if not comparison.adapt_bn:
        return
    adapted = folder / 'bn.pth'
    if not adapted.exists():
        words = ['tools/adapt_bn.py', comparison.adapt_bn, str(checkpoint)]
        words += ['--out', str(adapted)]
        words += experiments.option_words(
            data_options(comparison.adapt_bn, data)
        )
        experiments.run_tool(words, folder / 'bn.log', title)
    experiments.test(method.config, adapted, folder / 'bn', options, title)


def work_dir(method: Method, seed: int, out: Path) -> Path:
    """Where a row's run with one seed is."""
    return out / f'{Path(method.config).stem}_seed{seed}'


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
    bn = ' BatchNorm is re-estimated on the training crops of the target.'
    text = [
        f'# {comparison.name}',
        '',
        f'`python {" ".join(command)}`',
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
