"""Write the network in the file formats of other runtimes."""

import contextlib
import copy
import io
import logging
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from mmseg.models import EncoderDecoder
from torch import Tensor, nn

from mmseg_da.deploy.class_map import class_map
from mmseg_da.deploy.predictor import Predictor
from mmseg_da.deploy.runtimes import (
    PRECISION_KEY,
    load_network,
    optional_import,
)
from mmseg_da.deploy.segmentor import FastSegmentor
from mmseg_da.errors import InputError, check_choice
from mmseg_da.utils.files import atomic_path

FORMATS = {
    'onnx': ('fp32', 'fp16', 'int8'),
    'openvino': ('fp32', 'fp16', 'bf16', 'int8'),
}
SUFFIX = {'onnx': '.onnx', 'openvino': '.xml'}
# The largest difference of a logit, as a share of the largest logit, and the
# smallest share of pixels with the same class. Rounding to 8 bits moves single
# logits far; `tools/export.py --evaluate` measures the cost in mIoU.
TOLERANCE = {
    'fp32': (1e-4, 0.9999),
    'fp16': (0.02, 0.98),
    'bf16': (0.1, 0.95),
    'int8': (0.5, 0.8),
}


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
    out = Path(out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, out.name)
        arguments = format, precision, shape, dynamic, inputs
        export_network(fast.network, path, *arguments)
        if not inputs:
            torch.manual_seed(0)
            inputs = [torch.randn(1, 3, *shape) for _ in range(2)]
        checked = inputs[:4]
        # The segmentor itself, not what was made of it.
        network = partial(model.eval(), mode='tensor')
        found = check_parity(network, path, precision, checked)
        # The weights of OpenVINO, a .bin, before the graph.
        for file in sorted(Path(folder).iterdir()):
            with atomic_path(out.with_suffix(file.suffix)) as part:
                shutil.copyfile(file, part)
    return dict(found, path=out, checked=len(checked))


def export_network(
    network: nn.Module,
    out: str | Path,
    format: str = 'onnx',
    precision: str = 'fp32',
    shape: Sequence[int] = (512, 1024),
    dynamic: bool = False,
    calibration: Sequence[Tensor] = (),
) -> Path:
    """Write a network as a file that maps normalised images to logits.

    Args: See :func:`export`, and

        network (nn.Module): What :func:`mmseg_da.deploy.fast_network` returns
            with ``pack=False``.
        calibration (Sequence[Tensor]): Normalised images ``(1, 3, H, W)``
            whose activations set the ranges of int8.

    Raises:
        InputError: If format and precision do not go together, a package is
            missing, or int8 has no calibration images.
    """
    out = Path(out)
    _check(out, format, precision, shape, calibration)
    needed = ['onnx', 'onnxscript']
    needed += ['openvino'] * (format == 'openvino')
    needed += ['onnxruntime'] * (precision == 'int8')
    for package in needed:
        optional_import(package)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'network.onnx'
        if precision == 'fp16' and format == 'onnx':
            network = copy.deepcopy(network).half()
        _to_onnx(network, path, shape, dynamic)
        if precision == 'int8':
            path = _quantize(path, calibration)
        if format == 'onnx':
            with atomic_path(out) as part:
                part.write_bytes(path.read_bytes())
        else:
            _to_openvino(path, out, precision)
    return out


def check_parity(
    network: nn.Module,
    path: str | Path,
    precision: str,
    images: Sequence[Tensor],
) -> dict:
    """Compare a file of :func:`export_network` with its network in fp32.

    Args and returns: See :func:`export`; ``images`` are normalised,
    ``(1, 3, H, W)`` each.

    Raises:
        InputError: If they differ by more than the precision explains.
    """
    runtime = load_network(path)
    difference, largest, agreement = [], [], []
    for image in images:
        with torch.inference_mode():
            expected = network(image)
        found = runtime(image)
        if found.shape != expected.shape:
            raise InputError(
                f'{path} returns {tuple(found.shape)} where the network '
                f'returns {tuple(expected.shape)}: do not use it.'
            )
        size = [tuple(image.shape[2:])]
        same = class_map(found, size) == class_map(expected, size)
        difference.append((found - expected).abs().max().item())
        largest.append(expected.abs().max().item())
        agreement.append(same.float().mean().item())
    found = dict(
        max_difference=max(difference),
        largest_logit=max(largest),
        agreement=sum(agreement) / len(agreement),
    )
    share, least = TOLERANCE[precision]
    allowed = share * max(1, found['largest_logit'])
    # Not `>`: NaN is a failure.
    if not found['max_difference'] <= allowed or found['agreement'] < least:
        raise InputError(
            f'{path} differs from the network by '
            f'{found["max_difference"]:.1e} in a logit (at most '
            f'{allowed:.1e} is expected of {precision}) and agrees on '
            f'{100 * found["agreement"]:.2f} % of the pixels (at least '
            f'{100 * least:g} %): do not use it.'
        )
    return found


def _check(out, format, precision, shape, calibration) -> None:
    check_choice('format', format, tuple(FORMATS))
    precisions = tuple(FORMATS[format])
    check_choice(f'The precision of {format}', precision, precisions)
    if out.suffix != SUFFIX[format]:
        raise InputError(
            f'{out} ends in {out.suffix!r}, but an {format} file '
            f'ends in {SUFFIX[format]!r}.'
        )
    if len(shape) != 2 or min(shape) < 32:
        raise InputError(
            f'The shape is {" ".join(map(str, shape))}: give height and '
            'width, 32 pixels or more each.'
        )
    if precision == 'int8' and not calibration:
        raise InputError(
            'int8 needs images for its calibration: give --calibration a '
            'folder of them.'
        )


def _to_onnx(
    network: nn.Module, path: Path, shape: Sequence[int], dynamic: bool
) -> None:
    dtype = next(network.parameters()).dtype
    # Two images: the exporter takes a batch size of 1 for a constant.
    image = torch.randn(2 if dynamic else 1, 3, *shape).to(dtype)
    varying = [dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)]
    with _quiet():
        torch.onnx.export(
            network,
            (image,),
            str(path),
            dynamo=True,
            input_names=['image'],
            output_names=['logits'],
            dynamic_shapes=varying if dynamic else None,
            external_data=False,
            verbose=False,
        )


def _quantize(path: Path, calibration: Sequence[Tensor]) -> Path:
    """Quantise statically: weights per channel, activations per tensor."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    feeds = ({'image': x.float().contiguous().numpy()} for x in calibration)
    prepared = path.with_name('prepared.onnx')
    quantized = path.with_name('quantized.onnx')
    with _quiet():
        # Symbolic shape inference fails on dynamic sizes, and quantisation
        # does not need it.
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(quantized),
            SimpleNamespace(get_next=lambda: next(feeds, None)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=['Conv', 'Add', 'MaxPool'],
        )
    return quantized


def _to_openvino(path: Path, out: Path, precision: str) -> None:
    import openvino

    model = openvino.convert_model(str(path))
    model.set_rt_info(precision, PRECISION_KEY)
    with atomic_path(out) as part:
        # OpenVINO writes the weights to a .bin beside the .xml.
        written = part.with_name(f'{part.name}.xml')
        openvino.save_model(
            model, str(written), compress_to_fp16=precision == 'fp16'
        )
        written.with_suffix('.bin').replace(out.with_suffix('.bin'))
        written.replace(part)


@contextlib.contextmanager
def _quiet():
    """Silence the exporters' warnings about packages they do not need."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)
