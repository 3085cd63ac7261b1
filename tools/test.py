"""Evaluate a checkpoint on the test data of a config.

MMSegmentation's own test loop does the work. The metrics are printed, and
written as JSON to the work dir.

    python tools/test.py configs/da/bisenet_adv_gta2cs.py best.pth
"""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset

from inference.images import check_out
from launch import check_config, set_launcher, set_work_dir
from launch.cli import (
    add_cfg_options,
    add_model,
    command_parser,
    one_sentence_errors,
    parse_distributed,
)
from launch.console import QuietRunner
from launch.fast_test_hook import FastTestHook
from mmseg_da.errors import InputError
from mmseg_da.utils import (
    explain_build_errors,
    load_config,
    weights_only_loading,
)
from mmseg_da.utils.checkpoint import check_weights, load_weights


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    add_model(parser)
    parser.add_argument(
        '--work-dir',
        help='folder for the log and the metrics; default: work_dirs/CONFIG',
    )
    parser.add_argument(
        '--out', help='folder for the predictions, PNGs of train ids'
    )
    parser.add_argument(
        '--show-dir', help='folder for the painted predictions'
    )
    parser.add_argument(
        '--fast',
        action='store_true',
        help='evaluate the rewritten, faster form of the segmentor, which '
        'predicts another class at about one pixel in a million; the log '
        'says if the segmentor has no such form',
    )
    add_cfg_options(parser)
    return parse_distributed(parser, argv)


def save_predictions(cfg: Config, folder: str) -> None:
    """Make every metric write its predictions as PNGs."""
    evaluators = cfg.test_evaluator
    if isinstance(evaluators, dict):
        # A config may name an Evaluator, which holds the metrics.
        evaluators = evaluators.get('metrics', evaluators)
    if isinstance(evaluators, dict):
        evaluators = [evaluators]
    for evaluator in evaluators:
        if isinstance(evaluator, dict):
            evaluator.update(output_dir=folder, keep_results=True)


def check_predictions(dataset: BaseDataset, folder: str) -> None:
    """Refuse predictions that would replace files, or each other.

    Raises:
        InputError: If the folder holds images or labels of the test data, or
            two images have one name: metrics write all to one folder.
    """
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    for key in ('img_path', 'seg_map_path'):
        for parent in {Path(s[key]).parent for s in samples if key in s}:
            check_out(folder, parent)
    stems = Counter(Path(sample['img_path']).stem for sample in samples)
    for name, uses in stems.most_common(1):
        if uses > 1:
            raise InputError(
                f'{uses} test images are named {name}, so that --out {folder} '
                'could keep one prediction of them: predict with '
                'tools/infer.py, which keeps their folders.'
            )


def paint_predictions(cfg: Config, folder: str) -> None:
    """Paint every test image, with or without a hook in the config."""
    hooks = cfg.get('default_hooks') or {}
    hook = hooks.get('visualization') or dict(type='SegVisualizationHook')
    # OpenMMLab's hook draws every 50th image by default.
    hooks['visualization'] = dict(hook, draw=True, interval=1)
    cfg.default_hooks = hooks
    visualizer = dict(cfg.get('visualizer') or {})
    if visualizer.get('type', 'SegLocalVisualizer') == 'SegLocalVisualizer':
        visualizer['type'] = 'mmseg_da.SegLocalVisualizer'
    # Without a backend no picture is written.
    backends = visualizer.get('vis_backends') or [dict(type='LocalVisBackend')]
    cfg.visualizer = dict(visualizer, vis_backends=backends, save_dir=folder)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    cfg.load_from = args.checkpoint
    set_work_dir(cfg, args.work_dir, args.config)
    check_config(cfg, 'test')
    if args.teacher:
        # The runner would load the segmentor's own weights.
        cfg.load_from = None
    # Without a file name the runner dumps the config as TIMESTAMP.py. With
    # it, the config of the training in the same work dir would be replaced.
    cfg = Config(cfg._cfg_dict)
    set_launcher(cfg, args.launcher)
    if args.show_dir is not None:
        paint_predictions(cfg, args.show_dir)
    if args.out is not None:
        save_predictions(cfg, args.out)
    with weights_only_loading(), explain_build_errors(cfg):
        runner = QuietRunner.from_cfg(cfg)
        check_weights(runner.model, args.checkpoint, args.teacher)
        if args.out is not None:
            check_predictions(runner.test_dataloader.dataset, args.out)
            # Metrics make the folder on the first rank only, and other ranks
            # may write to it before.
            os.makedirs(args.out, exist_ok=True)
        if args.fast:
            runner.register_hook(FastTestHook())
        if args.teacher:
            load_weights(runner.model, args.checkpoint, teacher=True)
        runner.test()


if __name__ == '__main__':
    with one_sentence_errors():
        main()
