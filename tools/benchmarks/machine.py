"""The machine of the benchmarks, and how fast it multiplies matrices."""

import os
import platform
import statistics
from importlib import metadata

import torch

from analysis.timing import device_name, interleaved

PACKAGES = (
    'torch',
    'numpy',
    'opencv-python',
    'onedl-mmengine',
    'onedl-mmcv',
    'onedl-mmsegmentation',
    'mmengine',
    'mmcv',
    'mmsegmentation',
    'onnx',
    'onnxruntime',
    'openvino',
    'nncf',
)


def describe_machine(device: torch.device) -> dict:
    """Describe the processor, its threads and the versions of packages."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    description = {
        'device': device_name(device),
        'cpu': device_name(torch.device('cpu')),
        'cpu_capability': torch.backends.cpu.get_cpu_capability(),
        'cores': os.cpu_count(),
        'threads': torch.get_num_threads(),
        'system': platform.system(),
        'python': platform.python_version(),
        'versions': versions,
    }
    if device.type == 'cuda':
        description['cuda'] = torch.version.cuda
        description['cudnn'] = torch.backends.cudnn.version()
    return description


def matmul_rate(
    device: torch.device,
    size: int,
    dtype: torch.dtype,
    rounds: int = 5,
    cpu_time: bool = False,
) -> float:
    """Measure the rate of a square matrix product, the machine's limit.

    Args:
        device (torch.device): Device of the matrices.
        size (int): Rows and columns of the matrices.
        dtype (torch.dtype): Type of the matrices.
        rounds (int): Timed rounds; their median counts. Defaults to 5.
        cpu_time (bool): See :func:`interleaved`. Defaults to False.

    Returns:
        float: GFLOP/s; a multiply-accumulate counts as two operations.
    """
    one, two = (
        torch.randn(size, size, device=device).to(dtype) for _ in range(2)
    )
    out = torch.empty_like(one)
    times = interleaved(
        {'matmul': lambda: torch.mm(one, two, out=out)},
        rounds,
        2,
        device,
        cpu_time=cpu_time,
    )
    return 2 * size**3 / statistics.median(times['matmul']) / 1e6
