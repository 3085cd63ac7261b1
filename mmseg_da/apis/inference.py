"""Build a trained network, and predict the class of each pixel with it."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model
from mmseg.models import BaseSegmentor

from mmseg_da.apis.data import dataset_meta, image_pipeline, read_image
from mmseg_da.deploy import FastSegmentor, Predictor
from mmseg_da.deploy.runtimes import RUNTIMES, load_network
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS
from mmseg_da.utils import explain_build_errors, load_config
from mmseg_da.utils.checkpoint import load_weights
from mmseg_da.utils.device import pick_device

Image = str | Path | np.ndarray


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
    model_cfg = dict(cfg.model)
    if cfg.get('data_preprocessor'):
        # As the runner does.
        model_cfg.setdefault('data_preprocessor', cfg.data_preprocessor)
    with explain_build_errors(cfg):
        model = MODELS.build(model_cfg)
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


def inference(
    model: BaseSegmentor | FastSegmentor, images: Image | Sequence[Image]
) -> np.ndarray | list[np.ndarray]:
    """Predict by MMSegmentation's own steps, with any segmentor.

    :class:`Predictor` gives the same class maps faster, and takes
    EncoderDecoders tested as a whole only.

    Args:
        model (BaseSegmentor): What :func:`init_model` returns.
        images (str | Path | np.ndarray | Sequence): An image file, an image
            ``(H, W, 3)`` in BGR of uint8, or a list of such.

    Returns:
        np.ndarray | list[np.ndarray]: Class indices ``(H, W)`` at the
        image's own size, for each image.

    Raises:
        InputError: If an image file is missing or damaged.
    """
    if not isinstance(images, (list, tuple)):
        return inference(model, [images])[0]
    # Always arrays: after an array, `inference_model` takes no file.
    arrays = (
        # A copy, since a step such as CLAHE writes into it.
        image.copy() if isinstance(image, np.ndarray) else read_image(image)
        for image in images
    )
    samples = (inference_model(model, array) for array in arrays)
    return [s.pred_sem_seg.data[0].cpu().numpy() for s in samples]


def init_predictor(
    config: str | Path | Config,
    checkpoint: str | Path,
    device: str | torch.device = 'auto',
    precision: str = 'fp32',
    compile: bool = False,
) -> Predictor:
    """Build the fast predictor of a checkpoint or of an exported network.

    Args:
        config (str | Path | Config): Config or its file.
        checkpoint (str | Path): Weights of the config's model; or its
            exported network, ``.onnx`` or ``.xml``, which runs on the CPU in
            the precision that it was exported in.
        device (str | torch.device): Defaults to 'auto': CUDA if there is any.
        precision, compile: See :class:`FastSegmentor`.

    Raises:
        InputError: If config and checkpoint cannot be used, or the config's
            segmentor has no fast form.
    """
    if Path(checkpoint).suffix in RUNTIMES:
        if (
            precision != 'fp32'
            or compile
            or str(device) not in ('auto', 'cpu')
        ):
            raise InputError(
                f'{checkpoint} runs on the CPU in the precision that it was '
                'exported in: leave out --precision, --compile and --device.'
            )
        network = load_network(checkpoint)
        model = FastSegmentor(init_model(config, device='cpu'))
        return Predictor(model, network)
    model = init_model(config, checkpoint, device)
    return Predictor(FastSegmentor(model, precision, compile))
