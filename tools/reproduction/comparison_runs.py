"""Train and test the rows of a comparison."""

import importlib
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from pathlib import Path

from mmengine.config import Config

from launch.resume import named_checkpoint
from mmseg_da.utils.config import REPO_ROOT
from reproduction import experiments
from reproduction.comparison import (
    Comparison,
    Method,
    row_options,
    work_dir,
)


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
        # Its first import on a machine writes a cache, which two trainings
        # that begin together would read half written.
        importlib.import_module('yapf.yapflib.yapf_api')
    order = TopologicalSorter(
        {one.label: one.needs for one in comparison.methods}
    )
    order.prepare()
    while ready := order.get_ready():
        tasks = [
            (comparison, method, seed, data, out, own or {})
            for seed in seeds
            for method in comparison.methods
            if method.label in ready
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
        order.done(*ready)


def _run(
    comparison: Comparison,
    method: Method,
    seed: int,
    data: str,
    out: Path,
    own: Mapping[str, object],
) -> None:
    folder, title = work_dir(method, seed, out), f'{method.label} {seed}'
    options = row_options(comparison, method.config, data)
    own = {'randomness.seed': seed, **own}
    rows = {one.label: one for one in comparison.methods}
    origins = []
    for key, label in (
        ('load_from', method.start),
        ('default_hooks.adaptation.teacher.checkpoint', method.teacher),
    ):
        if label is not None:
            first = work_dir(rows[label], seed, out)
            own[key] = named_checkpoint(first)
            origins.append(first)
    metrics = experiments.train(
        method.config, folder, options | own, title, origins
    )
    checkpoint = named_checkpoint(folder)
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
            row_options(comparison, comparison.adapt_bn, data)
        )
        experiments.run_tool(words, folder / 'bn.log', title)
    experiments.test(method.config, adapted, folder / 'bn', options, title)
