"""Distributed training, on GPUs or on CPUs."""

from __future__ import annotations

import os

import torch.distributed
from mmengine.config import Config
from mmengine.device import get_device

from mmseg_da.errors import InputError

# What starts the processes, and a variable that it sets in each of them.
STARTERS = dict(
    pytorch=('torchrun', 'RANK'),
    slurm=('srun', 'SLURM_PROCID'),
    mpi=('mpirun', 'OMPI_COMM_WORLD_LOCAL_RANK'),
)


def set_launcher(cfg: Config, launcher: str) -> None:
    """Set the launcher; without a GPU, use gloo.

    MMEngine needs a GPU for each process, even with gloo. Without GPUs, the
    process group is made here, and the model is wrapped without a device.

    Args:
        cfg (Config): The config, changed in place.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'.

    Raises:
        InputError: If the launcher has not started this process, or if Slurm
            or MPI is to start processes without a GPU.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    on_cpu = get_device() == 'cpu'
    if on_cpu and launcher != 'pytorch':
        raise InputError(
            f'--launcher {launcher} found no GPU: several processes on CPUs '
            'are started by torchrun, with --launcher pytorch.'
        )
    starter, variable = STARTERS[launcher]
    if variable not in os.environ:
        raise InputError(
            f'--launcher {launcher} expects to be started by {starter}, but '
            f'{variable} is not set: put {starter} before the command, for '
            'example torchrun --nproc-per-node 2 tools/train.py CONFIG '
            '--launcher pytorch, or leave --launcher out.'
        )
    if not on_cpu:
        return
    torch.distributed.init_process_group('gloo')
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    cfg.model_wrapper_cfg = dict(wrapper, device_ids=None)
