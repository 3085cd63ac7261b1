"""Predict the class of each pixel of an image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmseg.apis import inference_model
from mmseg.models import BaseSegmentor

from mmseg_da.apis.data import read_image
from mmseg_da.apis.model import init_model
from mmseg_da.deploy import FastSegmentor, Predictor
from mmseg_da.deploy.runtimes import RUNTIMES, load_network

Image = str | Path | np.ndarray


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
        image if isinstance(image, np.ndarray) else read_image(image)
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
        network = load_network(checkpoint)
        model = FastSegmentor(init_model(config, device='cpu'))
        return Predictor(model, network)
    model = init_model(config, checkpoint, device)
    return Predictor(FastSegmentor(model, precision, compile))
