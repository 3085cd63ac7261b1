"""What the console shows of a run: what concerns its user, and no more."""

import logging
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmseg_da.utils.config_tree import find_target_loader, single_datasets

# How log messages begin that are of use in the log file only.
FOR_THE_FILE = (
    'System environment:',
    'Config:\n',
    'Distributed training is not used, all SyncBatchNorm',
    'Hooks will be executed in the following order:',
    'The prefix is not set in metric class',
    '"FileClient" will be deprecated in future.',
    '"HardDiskBackend" is the alias of "LocalBackend"',
    'Exp name: ',
)


class QuietRunner(Runner):
    """MMEngine's runner, whose console leaves out environment and config.

    The log file in the work dir has both, and the order of the hooks.
    """

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger, and filter what it says on the console."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(_is_for_the_console)
        return logger


def _is_for_the_console(record: logging.LogRecord) -> bool:
    return not record.getMessage().lstrip('\n-').startswith(FOR_THE_FILE)


def describe_start(cfg: Config) -> str:
    """Say what a config trains on what, in one sentence."""
    where = _datasets(cfg.train_dataloader)
    target = find_target_loader(cfg)
    if target is not None:
        where += f', adapted to {_datasets(target[1])}'
    limit = cfg.train_cfg.get('max_iters')
    until = f'{limit} iterations' if limit else 'the epochs of train_cfg'
    return (
        f'Training {cfg.model.type} on {where}, for {until}; '
        f'work dir: {cfg.work_dir}'
    )


def _datasets(loader: dict) -> str:
    parts = []
    for _, dataset in single_datasets(loader.get('dataset'), ''):
        kind = str(dataset.get('type')).removeprefix('mmseg_da.')
        images = (dataset.get('data_prefix') or {}).get('img_path')
        parts.append(f'{kind} in {dataset.get("data_root") or images or "."}')
    return ' and '.join(parts)


def describe_end(runner: Runner) -> str:
    """Say what a training reached and where it lies, in one line."""
    hub = runner.message_hub
    reached = f'Trained to iteration {runner.iter}'
    if 'val/mIoU' in hub.log_scalars:
        last = hub.get_scalar('val/mIoU').current()
        reached += f': validation mIoU {last:.2f}'
    best = hub.get_info('best_ckpt')
    if best:
        reached += f', at best {hub.get_info("best_score"):.2f} in {best}'
    folder = Path(runner.work_dir)
    where = (
        f'Checkpoints are in {folder}, log and pictures in '
        f'{folder / runner.timestamp}'
    )
    if runner.visualizer.get_backend('TensorboardVisBackend'):
        where += f'; curves: tensorboard --logdir {folder}'
    return f'{reached}. {where}'
