"""Train a segmentor, with or without adaptation.

python tools/train.py configs/da/bisenet_adv_gta2cs.py
"""

import argparse
import os

from mmengine.config import DictAction
from mmengine.runner import Runner

from mmseg_da.utils import (
    explain_missing_weights,
    load_config,
    one_sentence_errors,
    set_work_dir,
    use_amp,
    weights_only_loading,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the latest checkpoint in the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='overrides of the config, as key.of.config=value',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher',
    )
    # torch.distributed.launch passes --local-rank, torchrun the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.resume = args.resume
    set_work_dir(cfg, args.work_dir, args.config)
    if args.amp:
        use_amp(cfg)
    with weights_only_loading(), explain_missing_weights(cfg):
        Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    with one_sentence_errors():
        main()
