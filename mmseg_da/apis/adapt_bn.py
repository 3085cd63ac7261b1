"""Adapt a trained network's BatchNorm to a target without training."""

import copy
from collections.abc import Iterable

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.models import BaseSegmentor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader, Subset

from mmseg_da.errors import InputError
from mmseg_da.utils import explain_build_errors
from mmseg_da.utils.dataset_configs import find_target_loader


def adapt_bn(model: BaseSegmentor, loader: Iterable[dict]) -> None:
    """Replace BatchNorm's running statistics by those of other images.

    Adaptive Batch Normalization (Li et al., 2016): means and variances are
    averaged over the batches, the weights stay. The model is changed.

    Args:
        model (BaseSegmentor): A trained segmentor, on the device to use.
        loader (Iterable[dict]): Whole batches as MMSegmentation's data
            loaders give them, each image once. Labels are not used.

    Raises:
        InputError: If the model has no BatchNorm.

    Example:
        >>> model = init_model(config, 'best.pth')
        >>> adapt_bn(model, Runner.build_dataloader(loader_cfg))
        >>> torch.save({'state_dict': model.state_dict()}, 'best_bn.pth')
    """
    check_batch_norm(model)
    inputs = (model.data_preprocessor(b, True)['inputs'] for b in loader)
    update_bn(inputs, model)


def check_batch_norm(model: BaseSegmentor) -> None:
    """Raise an InputError if a model has no BatchNorm to adapt."""
    if not any(isinstance(m, _BatchNorm) for m in model.modules()):
        raise InputError(
            f'This {type(model).__name__} has no BatchNorm, so that there is '
            'nothing to adapt: use the checkpoint as it is.'
        )


def build_target_loader(
    cfg: Config, num_images: int | None = None
) -> DataLoader:
    """Build a loader of whole target batches, each image once, in order.

    Args:
        cfg (Config): An adaptation config.
        num_images (int, optional): Take as many images, evenly spread.
            Defaults to all.

    Returns:
        DataLoader: Of the config's target.

    Raises:
        InputError: If the config names no target, or there are fewer images
            than one batch.
    """
    key, target = find_target_loader(cfg) or (None, None)
    if target is None:
        raise InputError(
            f'{cfg.filename} names no target: give an adaptation config of '
            'the same model, with a hook that has a target_dataloader.'
        )
    source = cfg.train_dataloader
    loader_cfg = dict(
        batch_size=source.batch_size,
        num_workers=source.get('num_workers', 0),
    )
    loader_cfg.update(copy.deepcopy(dict(target)))
    # The average over batches would give the images of a smaller last batch
    # more weight.
    loader_cfg.update(
        sampler=dict(type='DefaultSampler', shuffle=False), drop_last=True
    )
    with explain_build_errors(cfg):
        loader = Runner.build_dataloader(loader_cfg, seed=0)
    if num_images is not None and num_images < len(loader.dataset):
        chosen = torch.linspace(0, len(loader.dataset) - 1, num_images)
        loader = DataLoader(
            Subset(loader.dataset, chosen.round().int().tolist()),
            loader.batch_size,
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            drop_last=True,
        )
    if len(loader) == 0:
        raise InputError(
            f'The target has {len(loader.dataset)} image(s), fewer than one '
            f'batch of {loader.batch_size}: give more images, or a smaller '
            f'--cfg-options {key}.batch_size.'
        )
    return loader
