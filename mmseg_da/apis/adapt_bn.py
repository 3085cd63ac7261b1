"""Adapt a trained network's BatchNorm to a target without training."""

from collections.abc import Iterable

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.models import BaseSegmentor
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils.data import DataLoader

from mmseg_da.errors import InputError
from mmseg_da.utils import explain_build_errors
from mmseg_da.utils.config_tree import find_target_loader


@torch.no_grad()
def adapt_bn(model: BaseSegmentor, loader: Iterable[dict]) -> None:
    """Replace BatchNorm's running statistics by those of other images.

    Adaptive Batch Normalization (Li et al., 2016): means and variances are
    averaged over the batches, the weights stay. The model is changed. Layers
    that are frozen in training (``norm_eval``, ``frozen_stages``), or that no
    image passes, such as an auxiliary head's, keep their statistics.

    Args:
        model (BaseSegmentor): A trained segmentor, on the device to use.
        loader (Iterable[dict]): Whole batches as MMSegmentation's data
            loaders give them, each image once. Labels are not used.

    Raises:
        InputError: If the model has no BatchNorm that trains.

    Example:
        >>> model = init_model(config, 'best.pth')
        >>> adapt_bn(model, Runner.build_dataloader(loader_cfg))
        >>> torch.save({'state_dict': model.state_dict()}, 'best_bn.pth')
    """
    was_training = model.training
    check_batch_norm(model)
    momenta: dict[_BatchNorm, float | None] = {}

    def start_anew(layer: nn.Module, *_) -> None:
        """Average over all calls of a layer, from its first one on."""
        adapts = isinstance(layer, _BatchNorm) and layer.training
        if adapts and layer not in momenta:
            momenta[layer] = layer.momentum
            layer.momentum = None
            layer.reset_running_stats()

    try:
        with register_module_forward_pre_hook(start_anew):
            for batch in loader:
                model(model.data_preprocessor(batch, True)['inputs'])
    finally:
        for layer, momentum in momenta.items():
            layer.momentum = momentum
    model.train(was_training)


def check_batch_norm(model: BaseSegmentor) -> None:
    """Put a model into training, with an InputError if no BatchNorm trains."""
    layers = model.train().modules()
    if not any(isinstance(m, _BatchNorm) and m.training for m in layers):
        raise InputError(
            f'This {type(model).__name__} has no BatchNorm that trains, so '
            'that there is nothing to adapt: use the checkpoint as it is.'
        )


def build_target_loader(
    cfg: Config, num_images: int | None = None
) -> DataLoader:
    """Build a loader of whole target batches, each image once, in order.

    Args:
        cfg (Config): An adaptation config.
        num_images (int, optional): Take as many images, evenly spread.
            Defaults to all.

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
    loader_cfg = {
        'batch_size': source.batch_size,
        'num_workers': source.get('num_workers', 0),
        **target,
        'sampler': dict(type='DefaultSampler', shuffle=False),
        # The average over batches would give the images of a smaller last
        # batch more weight.
        'drop_last': True,
    }
    with explain_build_errors(cfg):
        loader = Runner.build_dataloader(loader_cfg, seed=0)
    count = len(loader.dataset)
    if num_images is not None and num_images < count:
        indices = [i * count // num_images for i in range(num_images)]
        loader_cfg.update(dataset=loader.dataset, sampler=indices)
        loader = Runner.build_dataloader(loader_cfg, seed=0)
        count = num_images
    if len(loader) == 0:
        raise InputError(
            f'The target has {count} image(s), fewer than one batch of '
            f'{loader.batch_size}: give more images, or a smaller '
            f'--cfg-options {key}.batch_size.'
        )
    return loader
