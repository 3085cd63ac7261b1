from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import Compose, LoadImageFromFile
from mmseg.datasets.transforms import PackSegInputs
from torch import Tensor

from mmseg_da.deploy.class_map import class_map
from mmseg_da.deploy.segmentor import FastSegmentor
from mmseg_da.errors import InputError
from mmseg_da.registry import TRANSFORMS

Image = np.ndarray


class Predictor:
    """A trained segmentor as a function of images.

    An image is resized as the test data set's images are, normalised as the
    config's ``data_preprocessor`` says, and the class map has the image's
    own size: the numbers are those of ``mmseg.apis.inference_model``.

    Args:
        model (FastSegmentor): Of a segmentor from
            :func:`mmseg_da.apis.init_model`.
        network (Callable, optional): Takes the place of the model's network,
            see :func:`mmseg_da.deploy.runtimes.load_network`. Defaults to
            None.
        scale (tuple[int], optional): (width, height) that images are resized
            to. Defaults to None: as the test data set's images.
    """

    def __init__(
        self,
        model: FastSegmentor,
        network: Callable[[Tensor], Tensor] | None = None,
        scale: tuple[int, int] | None = None,
    ) -> None:
        self.model = model
        self.network = network or model.logits
        self.device = model.data_preprocessor.device
        pipeline = model.cfg.test_pipeline
        if scale is not None:
            # In the place of the pipeline's own; other steps stay.
            resize = dict(type='Resize', scale=scale)
            pipeline = [
                resize if step['type'] == 'Resize' else step
                for step in pipeline
            ]
            if resize not in pipeline:
                pipeline.insert(0, resize)
        # Images are in memory, and are batched here.
        around = LoadImageFromFile, PackSegInputs
        steps = [TRANSFORMS.build(dict(step)) for step in pipeline]
        self.transform = Compose(
            [step for step in steps if not isinstance(step, around)]
        )
        # OneDL's preprocessor has the underscore, OpenMMLab's has not.
        names = '_channel_conversion', 'channel_conversion'
        self.to_rgb = any(
            getattr(model.data_preprocessor, name, False) for name in names
        )
        # The normalised value of each byte and channel, (1, 256, 3).
        values = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
        (values,) = model.data_preprocessor({'inputs': [values]})['inputs']
        self.table = np.ascontiguousarray(values.permute(1, 2, 0).cpu())

    @torch.inference_mode()
    def __call__(
        self, images: Image | Sequence[Image], rgb: bool = False
    ) -> np.ndarray | list[np.ndarray]:
        """Predict the class of each pixel.

        Args:
            images (np.ndarray | Sequence[np.ndarray]): An image ``(H, W, 3)``
                of uint8, or several, as a list or ``(N, H, W, 3)``.
            rgb (bool): Whether channels are RGB. OpenCV and MMSegmentation
                read files as BGR. Defaults to False.

        Returns:
            np.ndarray | list[np.ndarray]: Class indices ``(H, W)``, uint8.

        Raises:
            InputError: If an image is not of uint8 with three channels, or
                the network has another number of classes than the config.
        """
        one = isinstance(images, np.ndarray) and images.ndim == 3
        images = [images] if one else list(images)
        inputs = self.preprocess(images, rgb)
        outputs, maps = self.network(inputs), []
        meta = getattr(self.model, 'dataset_meta', None)
        count = len(meta['classes']) if meta else outputs.shape[1]
        if outputs.shape[1] != count:
            raise InputError(
                f'The network predicts {outputs.shape[1]} classes, but the '
                f'config has {count}: give the config that it was exported '
                'with.'
            )
        for image, logits in zip(images, outputs):
            sizes = [tuple(inputs.shape[2:]), image.shape[:2]]
            found = class_map(logits[None], sizes, self.model.align_corners)
            maps.append(found[0].cpu().numpy())
        return maps[0] if one else maps

    def preprocess(self, images: Sequence[Image], rgb: bool = False) -> Tensor:
        """Resize, normalise and batch: ``(N, 3, H, W)`` in channels-last."""
        arrays = [self._normalised(image, rgb) for image in images]
        if len({array.shape for array in arrays}) != 1:
            raise InputError(
                'The images of a batch have different sizes after the '
                'test pipeline: predict them one by one.'
            )
        batch = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
        return batch.to(self.device, non_blocking=True)

    def _normalised(self, image: Image, rgb: bool) -> np.ndarray:
        shape = getattr(image, 'shape', type(image).__name__)
        dtype = getattr(image, 'dtype', 'no type')
        if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3:
            raise InputError(
                f'The image is {shape} of {dtype}, but it must be (H, W, 3) '
                'of uint8.'
            )
        if rgb:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        size = image.shape[:2]
        # A copy, since a step such as CLAHE writes into it.
        results = dict(img=image.copy(), img_shape=size, ori_shape=size)
        image = np.ascontiguousarray(self.transform(results)['img'])
        if self.to_rgb:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return cv2.LUT(image, self.table)
