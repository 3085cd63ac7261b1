from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmseg.models import EncoderDecoder

from mmseg_da.deploy import FastSegmentor, Predictor
from mmseg_da.deploy.export import check_parity, export_network


def export(
    model: EncoderDecoder,
    out: str | Path,
    format: str = 'onnx',
    precision: str = 'fp32',
    shape: Sequence[int] = (512, 1024),
    dynamic: bool = False,
    images: Sequence[np.ndarray] = (),
) -> dict:
    """Write a segmentor's network for another runtime, and check the file.

    The file takes a normalised image and returns the decode head's logits.

    Args:
        model (EncoderDecoder): What :func:`mmseg_da.apis.init_model` returns
            for ``device='cpu'``.
        out (str | Path): File, ``.onnx`` or, for OpenVINO, ``.xml``.
        format (str): 'onnx' or 'openvino'. Defaults to 'onnx'.
        precision (str): 'fp32', 'fp16', 'int8', or 'bf16' for OpenVINO.
            Defaults to 'fp32'.
        shape (Sequence[int]): Height and width of the input. Defaults to
            (512, 1024).
        dynamic (bool): Whether batch, height and width may vary. Defaults to
            False.
        images (Sequence[np.ndarray]): Images in BGR of uint8, which are
            resized to ``shape``. int8 takes its ranges from all of them, and
            the first four are compared. Without them random inputs are
            compared.

    Returns:
        dict: ``path``; ``max_difference`` of the logits, ``largest_logit``
        and ``agreement``, the share of pixels with the same class, on the
        ``checked`` inputs.

    Raises:
        InputError: If the arguments do not go together, a package is
            missing, or the file differs from the network by more than the
            precision explains.
    """
    fast = FastSegmentor(model, pack=False)
    predictor = Predictor(fast, scale=tuple(shape[::-1]))
    inputs = [predictor.preprocess([image]) for image in images]
    path = export_network(
        fast.network, out, format, precision, shape, dynamic, inputs
    )
    if not inputs:
        torch.manual_seed(0)
        inputs = [torch.randn(1, 3, *shape) for _ in range(2)]
    checked = inputs[:4]
    found = check_parity(fast.network, path, precision, checked)
    return dict(found, path=path, checked=len(checked))
