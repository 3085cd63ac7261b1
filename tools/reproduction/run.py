"""Runs rows one after another; a row that fails does not stop the others."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS
from mmseg_da.utils.config import REPO_ROOT, load_config
from mmseg_da.utils.config_tree import find_target_loader
from reproduction import experiments
from reproduction.cells import percent
from reproduction.collect import collect_row
from reproduction.suites import Row, Suite

#: Configs whose training images are counted for Figure 1 and for the
#: median-frequency weights, by data set.
STATISTICS = {
    'gta5': 'configs/source_only/bisenet_none_gta2cs.py',
    'cityscapes': 'configs/cityscapes/bisenet_ce_cityscapes.py',
}


def make_demo_data(suite: Suite, out: Path) -> None:
    """Render the demo's data if it is missing."""
    words = ['tools/dataset_converters/make_demo_data.py', '--out', suite.data]
    experiments.run_tool(words, out / 'data.log', 'demo data')


def check_data(rows: Sequence[Row], suite: Suite) -> None:
    """Check every data set of the rows, before hours of training.

    Raises:
        InputError: If a data set cannot be used.
    """
    init_default_scope('mmseg')
    seen = []
    for row in rows:
        cfg = load_config(row.config, suite.options(row.config))
        loaders = [cfg.train_dataloader, cfg.val_dataloader]
        target = find_target_loader(cfg)
        if target:
            loaders.append(target[1])
        for loader in loaders:
            # Data sets that differ in augmentation alone are one.
            dataset = {**loader.dataset, 'pipeline': []}
            if dataset not in seen:
                seen.append(dataset)
                DATASETS.build(dataset)


def statistics_file(suite: Suite, dataset: str) -> Path:
    """Locate the class statistics of one of the two data sets.

    They are beside the data, which is in the current or the project's folder.
    """
    folder = Path(suite.data) / dataset
    if not folder.exists():
        folder = REPO_ROOT / folder
    return folder / 'class_statistics.json'


def make_statistics(suite: Suite, out: Path) -> None:
    """Count the classes of both data sets, unless that was done.

    Raises:
        InputError: If a data set cannot be read.
    """
    for dataset, config in STATISTICS.items():
        path = statistics_file(suite, dataset)
        if not path.is_file():
            words = ['tools/analysis/class_statistics.py', config]
            words += ['--out', str(path)]
            words += experiments.option_words(suite.options(config))
            experiments.run_tool(
                words, out / 'class_statistics.log', f'{dataset} classes'
            )


def run_rows(
    rows: Sequence[Row],
    suite: Suite,
    out: Path,
    train: Callable = experiments.train,
) -> list[str]:
    """Train and evaluate rows, one after another.

    Finished rows are not repeated, and interrupted ones go on. If a row
    fails, its ``status.json`` says so and the next row runs.

    Args:
        rows (Sequence[Row]): Rows to run.
        suite (Suite): The suite, which names data and size.
        out (Path): Folder of the work dirs.
        train (Callable): Defaults to :func:`reproduction.experiments.train`.

    Returns:
        list[str]: Names of the rows that failed.
    """
    failed = []
    for number, row in enumerate(rows, 1):
        work_dir = out / row.name
        status_file = work_dir / 'status.json'
        status = experiments.read_json(status_file)
        print(f'[{number}/{len(rows)}] {row.table}, {row.label}: {row.name}')
        start, error, finished = time.monotonic(), None, False
        try:
            train(row.config, work_dir, suite.options(row.config), row.name)
            finished = True
        except InputError as problem:
            error = str(problem)
            failed.append(row.name)
            print(f'  failed: {error}')
        finally:
            # Looking at a finished row again adds no time.
            if not (finished and status.get('finished')):
                seconds = status.get('seconds', 0) + time.monotonic() - start
                experiments.write_json(
                    status_file,
                    dict(
                        seconds=round(seconds, 1),
                        error=error,
                        finished=finished,
                    ),
                )
        if finished:
            miou = collect_row(row, out, suite).get('mIoU')
            print(f'  mIoU {percent(miou)}')
    return failed


def run_benchmarks(
    rows: Sequence[Row], out: Path, shape: Sequence[int] = (512, 1024)
) -> None:
    """Measure latency, parameters and MACs as in Table 1, once a row.

    Args:
        rows (Sequence[Row]): Rows; those with a latency in the paper are
            measured.
        out (Path): Folder of the work dirs.
        shape (Sequence[int]): Height and width of the input.
    """
    # A few runs take half a minute for a large network on a CPU.
    times = (
        [] if torch.cuda.is_available() else ['--iters', '5', '--warmup', '1']
    )
    for row in rows:
        result = out / row.name / 'benchmark.json'
        if 'latency_ms' not in row.paper or result.exists():
            continue
        words = ['tools/analysis/latency.py', row.config, '--shape']
        words += [*map(str, shape), *times, '--out', str(result)]
        try:
            experiments.run_tool(
                words, out / row.name / 'benchmark.log', 'latency'
            )
        except InputError as problem:
            print(f'  latency of {row.name} was not measured: {problem}')
