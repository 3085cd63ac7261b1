"""Train a segmentor, with or without adaptation.

Example:
    python tools/train.py configs/da/bisenet_adv_gta2cs.py --resume
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from launch import (
    check_class_weights,
    check_config,
    check_pretrained,
    check_start,
    explain_stop,
    find_pretrained,
    record_run,
    resume_from_work_dir,
    set_launcher,
    set_work_dir,
    use_amp,
)
from launch.cli import (
    add_cfg_options,
    command_parser,
    one_sentence_errors,
    parse_distributed,
)
from launch.console import QuietRunner, describe_end, describe_start
from mmseg_da.utils import (
    explain_build_errors,
    load_config,
    weights_only_loading,
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints; default: work_dirs/CONFIG',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='continue from the last whole checkpoint in the work dir',
    )
    parser.add_argument(
        '--partial-load',
        action='store_true',
        help='start from those weights of load_from that fit the model, for '
        'example if it has other classes, and print which do not fit',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train with automatic mixed precision, on a GPU',
    )
    add_cfg_options(parser)
    return parse_distributed(parser, argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    set_work_dir(cfg, args.work_dir, args.config)
    if args.resume:
        resume_from_work_dir(cfg)
    check_config(cfg, 'train')
    pretrained = find_pretrained(cfg)
    if args.amp:
        use_amp(cfg)
    set_launcher(cfg, args.launcher)
    copy = Path(cfg.work_dir, Path(cfg.filename).name)
    if copy.exists() and copy.samefile(cfg.filename):
        # The runner would replace the config by its own dump. Without a file
        # name it writes TIMESTAMP.py.
        cfg = Config(cfg._cfg_dict)
    with (
        weights_only_loading(),
        explain_build_errors(cfg),
        explain_stop(cfg.work_dir),
    ):
        runner = QuietRunner.from_cfg(cfg)
        runner.logger.info(describe_start(cfg))
        check_class_weights(runner.model)
        check_pretrained(runner.model, pretrained)
        if cfg.load_from:
            check_start(
                runner.model, cfg.load_from, cfg.resume, args.partial_load
            )
        record_run(runner, cfg.load_from if cfg.resume else None)
        runner.train()
    if is_main_process():
        print(describe_end(runner), flush=True)


if __name__ == '__main__':
    with one_sentence_errors():
        main()
