"""Build the network that a config describes, and load its weights."""

import copy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.models import BaseSegmentor

from mmseg_da.apis.data import dataset_meta, image_pipeline
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS
from mmseg_da.utils import explain_build_errors, load_config
from mmseg_da.utils.checkpoint import load_weights
from mmseg_da.utils.device import pick_device


def build_segmentor(cfg: Config) -> BaseSegmentor:
    """Build a config's segmentor with random weights, in eval mode.

    It is on the CPU. Pretrained weights are not fetched, and what a config
    trains beside the segmentor, such as a discriminator, is not built.

    Raises:
        InputError: If the config has no model, or it cannot be built.
    """
    if 'model' not in cfg:
        raise InputError(
            f'{cfg.filename or "The config"} has no model: give a config '
            'that trains or tests one.'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with explain_build_errors(cfg):
        model = MODELS.build(cfg.model)
    return revert_sync_batchnorm(model).eval()


def init_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device = 'auto',
    teacher: bool = False,
) -> BaseSegmentor:
    """Build a segmentor and load its weights.

    Does what ``mmseg.apis.init_model`` does, and its result goes into
    ``mmseg.apis.inference_model``; but weights are read as weights only, and
    size, classes and palette are those of the config's test data set.

    Args:
        config (str | Path | Config): Config or its file.
        checkpoint (str | Path, optional): Weights, see
            :func:`mmseg_da.utils.checkpoint.load_weights`. Defaults to None:
            random weights.
        device (str | torch.device): Defaults to 'auto': CUDA if there is
            any.
        teacher (bool): Whether to load the EMA teacher in the checkpoint
            instead. Defaults to False.

    Returns:
        BaseSegmentor: In eval mode, with ``cfg`` and ``dataset_meta``.

    Raises:
        InputError: If config and checkpoint cannot be used, alone or
            together.

    Example:
        >>> from mmseg_da.apis import inference, init_model
        >>> model = init_model('configs/da/bisenet_adv_gta2cs.py', 'best.pth')
        >>> inference(model, 'street.png').shape
        (1024, 2048)
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    model = build_segmentor(cfg)
    if checkpoint is not None:
        load_weights(model, checkpoint, teacher)
    # A copy: `inference_model` changes the pipeline.
    model.cfg = copy.deepcopy(cfg)
    model.cfg.test_pipeline = image_pipeline(cfg)
    model.dataset_meta = dataset_meta(cfg, model)
    return model.to(pick_device(device))
