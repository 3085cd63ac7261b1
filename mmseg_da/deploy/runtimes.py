"""Run exported networks by ONNX Runtime or OpenVINO.

They are called like the network that they were exported from: a tensor of
normalised images ``(N, 3, H, W)`` in, logits out, on the CPU.
"""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from mmseg_da.errors import InputError

# Under these keys an OpenVINO model stores its precision.
PRECISION_KEY = ['mmseg_da', 'precision']


def optional_import(name: str) -> ModuleType:
    """Import a package that the plugin can do without.

    Raises:
        InputError: If it is not installed. The message has the command.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f'The package {name} is needed for this and cannot be imported '
            f'({error}): pip install {name}'
        ) from error


class OnnxNetwork:
    """A network in an ONNX file, run by ONNX Runtime."""

    def __init__(self, path: str | Path) -> None:
        ort = optional_import('onnxruntime')
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self.session = ort.InferenceSession(
                str(path), options, providers=['CPUExecutionProvider']
            )
        except Exception as error:  # ONNX Runtime has many error classes
            raise _unusable(path, error) from error
        self.input = self.session.get_inputs()[0]
        self.half = self.input.type == 'tensor(float16)'

    def __call__(self, images: Tensor) -> Tensor:
        images = _prepare(images, self.input.shape, self.half)
        (logits,) = self.session.run(None, {self.input.name: images})
        return torch.from_numpy(logits).float()


class OpenVinoNetwork:
    """A network that ``tools/export.py`` wrote, run by OpenVINO.

    The file holds its precision, 'bf16' or 'fp32', which is the default.
    """

    def __init__(self, path: str | Path) -> None:
        openvino = optional_import('openvino')
        core = openvino.Core()
        try:
            model = core.read_model(str(path))
            half = model.has_rt_info(PRECISION_KEY) and (
                str(model.get_rt_info(PRECISION_KEY).value) == 'bf16'
            )
            options = {
                'INFERENCE_PRECISION_HINT': 'bf16' if half else 'f32',
                'INFERENCE_NUM_THREADS': torch.get_num_threads(),
                'PERFORMANCE_HINT': 'LATENCY',
            }
            compiled = core.compile_model(model, 'CPU', options)
        except RuntimeError as error:
            raise _unusable(path, error) from error
        self.shape = [
            None if one.is_dynamic else one.get_length()
            for one in model.input(0).partial_shape
        ]
        self.half = 'f16' in str(model.input(0).element_type)
        self.request = compiled.create_infer_request()

    def __call__(self, images: Tensor) -> Tensor:
        images = _prepare(images, self.shape, self.half)
        self.request.infer({0: images}, share_inputs=True)
        # A copy: the next request writes into the same memory.
        logits = self.request.get_output_tensor(0).data
        return torch.from_numpy(logits.copy()).float()


RUNTIMES = {'.onnx': OnnxNetwork, '.xml': OpenVinoNetwork}


def load_network(path: str | Path) -> OnnxNetwork | OpenVinoNetwork:
    """Load an exported network by its suffix: ``.onnx`` or ``.xml``.

    Raises:
        InputError: If there is no such file, its suffix is another one, or
            its runtime is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f'The exported network {path} does not exist: tools/export.py '
            'writes one.'
        )
    if path.suffix not in RUNTIMES:
        raise InputError(
            f'{path} is no exported network: its suffix is none of '
            f'{", ".join(RUNTIMES)}.'
        )
    return RUNTIMES[path.suffix](path)


def _prepare(images: Tensor, expected: list, half: bool) -> np.ndarray:
    found = list(images.shape)
    if any(isinstance(e, int) and e != f for e, f in zip(expected, found)):
        raise InputError(
            f'The network was exported for images of shape {expected}, not '
            f'{found}: export it with --dynamic, or for this --shape.'
        )
    return (images.half() if half else images).contiguous().numpy()


def _unusable(path: str | Path, error: Exception) -> InputError:
    reason = str(error).strip().split('\n')[0][:200]
    return InputError(f'{path} cannot be loaded ({reason}): export it anew.')
