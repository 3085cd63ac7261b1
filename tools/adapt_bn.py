"""Re-estimate BatchNorm statistics on unlabelled target images.

The checkpoint's weights stay; only the running means and variances become
the target's. The config names the target: an adaptation config of the same
model.

    python tools/adapt_bn.py configs/da/bisenet_adv_gta2cs.py CHECKPOINT
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint
from mmseg.registry import MODELS
from torch.optim.swa_utils import update_bn

from mmseg_da.errors import InputError
from mmseg_da.utils import (
    load_config,
    one_sentence_errors,
    weights_only_loading,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config with the adversarial hook')
    parser.add_argument('checkpoint', help='checkpoint of the same model')
    parser.add_argument(
        '--out', type=Path, help='defaults to CHECKPOINT with _bn in its name'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.default_scope)
    hook = cfg.default_hooks.get('adversarial')
    if hook is None:
        raise InputError(
            f'{args.config} names no target: give an adaptation config of '
            'the same model, with default_hooks.adversarial.'
        )
    source = Path(args.checkpoint)
    out = args.out or source.with_name(f'{source.stem}_bn.pth')
    model = MODELS.build(cfg.model)
    with weights_only_loading():
        load_checkpoint(model, str(source), map_location='cpu', strict=True)
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
