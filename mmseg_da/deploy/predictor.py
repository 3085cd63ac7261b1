"""Images in, class maps out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np
import torch
from mmcv.transforms import Compose, LoadImageFromFile
from mmengine.config import Config
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs
from torch import Tensor

from ..errors import InputError
from ..registry import TRANSFORMS
from .class_map import class_map
from .runtimes import SUFFIXES, load_network
from .segmentor import FastSegmentor, init_model

Network = Callable[[Tensor], Tensor]
Image = np.ndarray


class Predictor:
    """A trained segmentor as a function of images.

    An image is resized as the config's ``test_pipeline`` says, normalised as
    its ``data_preprocessor`` says, and the class map has the image's own
    size: the numbers are those of ``mmseg.apis.inference_model``.

    Args:
        config (str | Path | Config): Config or its file.
        checkpoint (str | Path): Its weights, read as weights only; or an
            exported form of its network, ``.onnx`` or ``.xml``, which runs
            on the CPU as it was exported.
        device (str): 'auto', 'cpu', 'cuda:0', ... Defaults to 'auto'.
        precision (str): 'fp32', 'bf16' or, on CUDA, 'fp16'. Defaults to
            'fp32'.
        compile (bool): See :class:`FastSegmentor`. Defaults to False.

    Example:
        >>> predict = Predictor('configs/da/bisenet_adv_gta2cs.py', 'best.pth')
        >>> predict(cv2.imread('street.png')).shape
        (1024, 2048)
    """

    def __init__(
        self,
        config: Union[str, Path, Config],
        checkpoint: Union[str, Path],
        device: str = 'auto',
        precision: str = 'fp32',
        compile: bool = False,
    ) -> None:
        network = None
        if Path(checkpoint).suffix in SUFFIXES:
            network, checkpoint = load_network(checkpoint), None
            device, precision, compile = 'cpu', 'fp32', False
        model = init_model(config, checkpoint, device, precision, compile)
        self._set_up(model, network)

    @classmethod
    def of(
        cls, model: FastSegmentor, network: Optional[Network] = None
    ) -> Predictor:
        """A predictor of a model that :func:`init_model` returned.

        Args:
            model (FastSegmentor): It says how images are prepared.
            network (Callable, optional): Takes the place of its network.
        """
        self = cls.__new__(cls)
        self._set_up(model, network)
        return self

    def _set_up(self, model: FastSegmentor, network: Optional[Network]):
        self.model = model
        self.network = network or model.logits
        self.device = model.data_preprocessor.device
        self.dataset_meta = model.dataset_meta
        self.transform = _without_loading(model.cfg)
        # OpenMMLab's has it without the underscore.
        names = '_channel_conversion', 'channel_conversion'
        self.to_rgb = any(
            getattr(model.data_preprocessor, name, False) for name in names
        )
        self.table = _normalisation_table(model.data_preprocessor)

    @torch.inference_mode()
    def __call__(
        self, images: Union[Image, Sequence[Image]], rgb: bool = False
    ) -> Union[np.ndarray, list[np.ndarray]]:
        """Predict the class of each pixel.

        Args:
            images (np.ndarray | Sequence[np.ndarray]): An image ``(H, W, 3)``
                of uint8, or several, as a list or ``(N, H, W, 3)``.
            rgb (bool): Whether channels are RGB rather than BGR, in which
                OpenCV and MMSegmentation read files. Defaults to False.

        Returns:
            np.ndarray | list[np.ndarray]: Class indices ``(H, W)``, uint8,
            for each image.

        Raises:
            InputError: If an image is not of uint8 with three channels.
        """
        one = isinstance(images, np.ndarray) and images.ndim == 3
        images = [images] if one else list(images)
        inputs = self.preprocess(images, rgb)
        logits = self.network(inputs)
        maps = self.postprocess(
            logits, inputs.shape[2:], [image.shape[:2] for image in images]
        )
        return maps[0] if one else maps

    def preprocess(self, images: Sequence[Image], rgb: bool = False) -> Tensor:
        """Resize, normalise and batch: ``(N, 3, H, W)`` in channels-last."""
        arrays = [self._normalised(image, rgb) for image in images]
        if len({array.shape for array in arrays}) != 1:
            raise InputError(
                'The images of a batch have different sizes after the '
                "config's test_pipeline: predict them one by one."
            )
        batch = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
        return batch.to(self.device, non_blocking=True)

    def postprocess(
        self, logits: Tensor, size: Sequence[int], sizes: Sequence
    ) -> list[np.ndarray]:
        """Class maps of the images' sizes from logits."""
        return [
            class_map(
                one[None], [tuple(size), tuple(own)], self.model.align_corners
            )[0]
            .cpu()
            .numpy()
            for one, own in zip(logits, sizes)
        ]

    def _normalised(self, image: Image, rgb: bool) -> np.ndarray:
        if (
            not isinstance(image, np.ndarray)
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[2] != 3
        ):
            found = getattr(image, 'shape', type(image).__name__)
            raise InputError(
                f'An image of uint8 (H, W, 3) is needed, not {found} of '
                f'{getattr(image, "dtype", "no type")}.'
            )
        if rgb:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        image = self.transform(image)
        if self.to_rgb:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return cv2.LUT(image, self.table)


def _without_loading(cfg: Config) -> Callable[[Image], Image]:
    """The config's ``test_pipeline`` on an image in memory."""
    if 'test_pipeline' not in cfg:
        raise InputError(
            f'{cfg.filename} has no test_pipeline, which says how an image is '
            'resized: add one, as configs/_base_/datasets has it.'
        )
    around = (LoadImageFromFile, LoadAnnotations, PackSegInputs)
    built = [TRANSFORMS.build(dict(step)) for step in cfg.test_pipeline]
    steps = Compose([step for step in built if not isinstance(step, around)])

    def transform(image: Image) -> Image:
        shape = image.shape[:2]
        results = dict(img=image, img_shape=shape, ori_shape=shape)
        return np.ascontiguousarray(steps(results)['img'])

    return transform


def _normalisation_table(preprocessor) -> np.ndarray:
    """What each value of each channel becomes, (1, 256, 3)."""
    values = torch.arange(256.0)[None, :, None].expand(1, 256, 3)
    if preprocessor._enable_normalize:
        mean, std = (
            getattr(preprocessor, name).flatten().cpu()
            for name in ('mean', 'std')
        )
        values = (values - mean) / std
    return np.ascontiguousarray(values.numpy())
