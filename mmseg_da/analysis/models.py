"""The network that a config describes, without its weights."""

from __future__ import annotations

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from ..errors import InputError
from ..registry import MODELS
from .complexity import count_parameters


def build_segmentor(cfg: Config) -> nn.Module:
    """Build a config's segmentor with random weights, in eval mode.

    ``init_weights`` is not called, so that no pretrained weights are fetched.
    What a config trains beside the segmentor (the discriminator of
    adversarial adaptation) is not built.

    Args:
        cfg (Config): Any MMSegmentation config.

    Returns:
        nn.Module: The segmentor, on the CPU.

    Raises:
        InputError: If the config has no model, or it cannot be built.
    """
    name = cfg.filename or 'The config'
    if 'model' not in cfg:
        raise InputError(
            f'{name} has no model: give a config that trains or tests one.'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    try:
        model = MODELS.build(cfg.model)
    except (KeyError, TypeError, ImportError, AssertionError) as error:
        raise InputError(
            f'The model of {name} cannot be built ({error!r}): check its '
            'types and their arguments.'
        ) from error
    return revert_sync_batchnorm(model).eval()


def build_for_inference(cfg: Config) -> tuple[nn.Module, int]:
    """Build a config's segmentor without what only its training needs.

    Args:
        cfg (Config): Any MMSegmentation config.

    Returns:
        tuple[nn.Module, int]: The segmentor without auxiliary heads, in eval
        mode, and the number of parameters that it has with them.

    Raises:
        InputError: If the config has no model, or it cannot be built.
    """
    model = build_segmentor(cfg)
    in_training = count_parameters(model)
    if getattr(model, 'auxiliary_head', None) is not None:
        model.auxiliary_head = None
    return model, in_training
