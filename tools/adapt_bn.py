"""Re-estimate BatchNorm statistics on unlabelled target images.

The checkpoint's weights stay; only the running means and variances become
the target's. The config names the target: an adaptation config of the same
model.

    python tools/adapt_bn.py configs/da/bisenet_adv_gta2cs.py CHECKPOINT
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch.optim.swa_utils import update_bn

from mmseg_da.errors import InputError
from mmseg_da.utils import (
    ConfigOptions,
    check_config,
    explain_build_errors,
    load_config,
    one_sentence_errors,
)
from mmseg_da.utils.checkpoint import load_weights


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config with the adversarial hook')
    parser.add_argument('checkpoint', help='checkpoint of the same model')
    parser.add_argument(
        '--out', type=Path, help='defaults to CHECKPOINT with _bn in its name'
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_config(cfg, 'train')
    hook = cfg.default_hooks.get('adversarial')
    if hook is None:
        raise InputError(
            f'{args.config} names no target: give an adaptation config of '
            'the same model, with default_hooks.adversarial.'
        )
    source = Path(args.checkpoint)
    out = args.out or source.with_name(f'{source.stem}_bn.pth')
    with explain_build_errors(cfg):
        model = MODELS.build(cfg.model)
    load_weights(model, source)
    device = get_device()
    model.to(device)

    loader_cfg = dict(
        batch_size=cfg.train_dataloader.batch_size,
        num_workers=cfg.train_dataloader.num_workers,
        **hook.target_dataloader,
    )
    loader_cfg.update(
        sampler=dict(type='DefaultSampler', shuffle=False), drop_last=True
    )
    with explain_build_errors(cfg):
        loader = Runner.build_dataloader(loader_cfg, seed=0)

    def inputs():
        for i, batch in enumerate(loader, 1):
            yield model.data_preprocessor(batch, True)['inputs']
            print(f'\rBatchNorm: batch {i}/{len(loader)}', end='', flush=True)

    update_bn(inputs(), model)
    torch.save(dict(meta=dict(), state_dict=model.cpu().state_dict()), out)
    print(f'\nWritten to {out}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
