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
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader

from mmseg_da.errors import InputError
from mmseg_da.utils import (
    ConfigOptions,
    check_config,
    explain_build_errors,
    load_config,
    one_sentence_errors,
)
from mmseg_da.utils.checkpoint import load_weights
from mmseg_da.utils.files import atomic_path

TARGET = 'default_hooks.adversarial.target_dataloader'


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


def build_target_loader(cfg: Config) -> DataLoader:
    """Whole batches of the target, each image once and in order."""
    source = cfg.train_dataloader
    loader_cfg = dict(
        batch_size=source.batch_size,
        num_workers=source.get('num_workers', 0),
    )
    loader_cfg.update(cfg.default_hooks.adversarial.target_dataloader)
    # A last batch of one image would count as much as a whole one.
    loader_cfg.update(
        sampler=dict(type='DefaultSampler', shuffle=False), drop_last=True
    )
    with explain_build_errors(cfg):
        loader = Runner.build_dataloader(loader_cfg, seed=0)
    if len(loader) == 0:
        raise InputError(
            f'The target has {len(loader.dataset)} image(s), fewer than one '
            f'batch of {loader.batch_size}: give more images, or a smaller '
            f'--cfg-options {TARGET}.batch_size.'
        )
    return loader


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_config(cfg, 'train')
    if (cfg.get('default_hooks') or {}).get('adversarial') is None:
        raise InputError(
            f'{args.config} names no target: give an adaptation config of '
            'the same model, with default_hooks.adversarial.'
        )
    source = Path(args.checkpoint)
    out = args.out or source.with_name(f'{source.stem}_bn.pth')
    if source.exists() and out.exists() and out.samefile(source):
        raise InputError(
            f'--out {out} is the checkpoint itself, which would be lost: give '
            'another file.'
        )
    with explain_build_errors(cfg):
        model = MODELS.build(cfg.model)
    if not any(isinstance(module, _BatchNorm) for module in model.modules()):
        raise InputError(
            f'The model of {args.config} has no BatchNorm, so there are no '
            'statistics to adapt: use the checkpoint as it is.'
        )
    load_weights(model, source)
    device = get_device()
    model.to(device)

    loader = build_target_loader(cfg)

    def inputs():
        for i, batch in enumerate(loader, 1):
            yield model.data_preprocessor(batch, True)['inputs']
            print(f'\rBatchNorm: batch {i}/{len(loader)}', end='', flush=True)

    update_bn(inputs(), model)
    content = dict(meta=dict(), state_dict=model.cpu().state_dict())
    with atomic_path(out) as partial:
        torch.save(content, partial)
    print(f'\nWritten to {out}')


if __name__ == '__main__':
    with one_sentence_errors():
        main()
