"""Prepare a run: its folder, its processes, and what it starts from."""

import os
from pathlib import Path

import torch.distributed
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn

from mmseg_da.errors import InputError, warn
from mmseg_da.utils.checkpoint import (
    check_architecture,
    compare_weights,
    find_state_dict,
    load_checkpoint,
)

# Keys of MMEngine's checkpoints that a run needs to be resumed.
NEEDED_TO_RESUME = ('state_dict', 'meta', 'message_hub', 'optimizer')
# Keys that starting from the weights makes use of, or may ignore.
WEIGHTS = ('state_dict', 'meta', 'message_hub')
# What starts the processes, and a variable that it sets in each of them.
STARTERS = dict(
    pytorch=('torchrun', 'RANK'),
    slurm=('srun', 'SLURM_PROCID'),
    mpi=('mpirun', 'OMPI_COMM_WORLD_LOCAL_RANK'),
)


def set_work_dir(cfg: Config, work_dir: str | None, config: str) -> None:
    """Choose the work dir: argument, else config, else ``work_dirs/NAME``.

    Raises:
        InputError: If it, or a folder above it, is a file.
    """
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)
    path = Path(cfg.work_dir)
    for folder in (path, *path.parents):
        if folder.is_file():
            raise InputError(
                f'The work dir {path} cannot be made, because {folder} is a '
                'file: give another --work-dir.'
            )


def use_amp(cfg: Config) -> None:
    """Train with automatic mixed precision: fp16 and dynamic loss scaling.

    Raises:
        InputError: If the config's optimizer wrapper has no AMP counterpart,
            or there is no accelerator.
    """
    wrapper = cfg.optim_wrapper
    kind = wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise InputError(
            f'--amp cannot be combined with optim_wrapper.type={kind}:'
            ' it replaces OptimWrapper by AmpOptimWrapper.'
        )
    if get_device() == 'cpu':
        raise InputError(
            '--amp needs an accelerator and none was found: train without it.'
        )
    wrapper.type = 'AmpOptimWrapper'
    wrapper.setdefault('loss_scale', 'dynamic')


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


def check_start(
    model: nn.Module, path: str, resume: bool, partial: bool = False
) -> None:
    """Check the checkpoint from which a training starts or is resumed.

    A warning names the weights and the parts of the file that are not used.

    Args:
        model (nn.Module): The model that is about to be trained.
        path (str): The checkpoint, a file or a URL.
        resume (bool): Whether a run is resumed, not started from weights.
        partial (bool): Whether to start from the weights that fit, even if
            others do not. Defaults to False.

    Raises:
        InputError: If the weights do not fit, or a run cannot be resumed
            from the file.
    """
    content = load_checkpoint(path)
    state = find_state_dict(content, path)
    if resume:
        check_architecture(model, state, path)
        missing = [key for key in NEEDED_TO_RESUME if key not in content]
        if not missing and not {'iter', 'epoch'} <= content['meta'].keys():
            missing = ['meta.iter']
        if missing:
            raise InputError(
                f'The checkpoint {path} cannot be resumed, because it has no '
                f'{" and no ".join(missing)}: start a new run from its '
                'weights, with load_from and without --resume.'
            )
        return
    if partial:
        _report_partial(model, state, path)
    else:
        advice = ', or start from the weights that fit, with --partial-load'
        check_architecture(model, state, path, advice)
    left = [key for key in content if key not in WEIGHTS]
    if 'state_dict' in content and left:
        terms = 'the state of adaptation terms and ' * bool(
            {'adaptation', 'adversarial'} & set(left)
        )
        warn(
            f'Only the weights of the segmentor are taken from {path}: '
            f'{terms}all else ({", ".join(left)}) is left out.'
        )


def _report_partial(model: nn.Module, state: dict, path: str) -> None:
    total, missing, unexpected, reshaped = compare_weights(model, state)
    taken = total - len(missing) - len(reshaped)
    if not taken:
        raise InputError(
            f'No weight of {path} fits the model of the config: give a '
            'checkpoint of a model that shares a part with it.'
        )
    sentence = f'{taken} of {total} tensors are taken from {path}'
    for names, kind in (
        (reshaped, 'of another shape, so left as initialized'),
        (missing, 'not in the file, so left as initialized'),
        (unexpected, 'not in the model, so left out'),
    ):
        if names:
            sentence += f'; {kind}: {", ".join(names)}'
    warn(f'{sentence}.')


def check_class_weights(model: nn.Module) -> None:
    """Check a segmentor's losses against its heads' numbers of classes.

    A loss itself finds out at its first prediction only. Training programs
    call this function before.

    Args:
        model (nn.Module): Any MMSegmentation segmentor.

    Raises:
        InputError: If a loss's ``class_weight`` has another length than its
            head has classes, or names a file that is missing.
    """
    for name, head in model.named_modules():
        losses = getattr(head, 'loss_decode', None)
        if losses is None:
            continue
        if not isinstance(losses, nn.ModuleList):
            losses = [losses]
        for loss in losses:
            if hasattr(loss, 'need_class_weight'):
                loss.need_class_weight()
            weight = getattr(loss, 'class_weight', None)
            if weight is not None and len(weight) != head.num_classes:
                raise InputError(
                    f'class_weight of {name}.loss_decode '
                    f'({type(loss).__name__}) has {len(weight)} values, but '
                    f'the head has num_classes={head.num_classes}; give one '
                    'for each class.'
                )
