"""Evaluate a checkpoint on the test data of a config.

python tools/test.py configs/da/bisenet_adv_gta2cs.py CHECKPOINT
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmengine.runner import Runner

from mmseg_da.utils import (
    ConfigOptions,
    check_config,
    explain_build_errors,
    load_config,
    one_sentence_errors,
    set_work_dir,
    weights_only_loading,
)
from mmseg_da.utils.checkpoint import check_weights


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--work-dir', help='where the log and the metrics (JSON) go'
    )
    parser.add_argument(
        '--out', help='folder for the predictions, as train-id PNGs'
    )
    parser.add_argument('--show-dir', help='folder for painted predictions')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        help='overrides of the config, as key.of.config=value',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.load_from = args.checkpoint
    set_work_dir(cfg, args.work_dir, args.config)
    check_config(cfg, 'test')
    if args.show_dir is not None:
        cfg.default_hooks.visualization.draw = True
        cfg.visualizer.save_dir = args.show_dir
    if args.out is not None:
        cfg.test_evaluator.update(output_dir=args.out, keep_results=True)
    with weights_only_loading(), explain_build_errors(cfg):
        runner = Runner.from_cfg(cfg)
        check_weights(runner.model, args.checkpoint)
        runner.test()


if __name__ == '__main__':
    with one_sentence_errors():
        main()
