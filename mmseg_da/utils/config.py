"""Loading a config the way every tool here does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Optional, Union

from mmengine.config import Config, ConfigDict
from mmengine.device import get_device

from ..errors import InputError


def find_root(package: Path) -> Path:
    """Find the folder of ``configs/`` and ``tools/``.

    Args:
        package (Path): Folder of the package.

    Returns:
        Path: ``.mim`` inside the package if it was installed from a wheel,
        else the checkout.
    """
    mim = package / '.mim'
    return mim if mim.is_dir() else package.parent


REPO_ROOT = find_root(Path(__file__).resolve().parents[1])


def load_config(
    path: Union[str, Path], cfg_options: Optional[dict] = None
) -> Config:
    """Load a config so that tools run from any folder.

    Relative paths count from the current folder; the config itself, its data
    roots and its class weights that are not there are looked for in the
    project's folder.

    Args:
        path (str | Path): Config file.
        cfg_options (dict, optional): Overrides, keys with dots.

    Returns:
        Config: The merged config.

    Raises:
        InputError: If there is no such file, or it cannot be parsed.
    """
    found = _existing(Path(path))
    if found is None or not found.is_file():
        raise InputError(
            f'The config {path} does not exist, neither here nor in '
            f'{REPO_ROOT}: see configs/ for those of the project.'
        )
    try:
        cfg = Config.fromfile(str(found))
    except Exception as error:  # a config is a program: whatever it likes
        raise InputError(
            f'The config {path} cannot be loaded ({_what(error)}): check the '
            'file and its _base_.'
        ) from error
    for key, value in (cfg_options or {}).items():
        try:
            cfg.merge_from_dict({key: value})
        except Exception as error:  # so do its values
            raise InputError(
                f'The --cfg-options {key}={value} do not fit the config '
                f'{path} ({_what(error)}): check the key.'
            ) from error
    for part in _dicts(cfg._cfg_dict):
        for key in ('data_root', 'class_weight'):
            if isinstance(part.get(key), str):
                part[key] = str(_existing(Path(part[key])) or part[key])
    return cfg


def set_work_dir(cfg: Config, work_dir: Optional[str], config: str) -> None:
    """Choose the work dir: argument, else config, else ``work_dirs/NAME``."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)


def use_amp(cfg: Config) -> None:
    """Train with automatic mixed precision: dynamic scaling, fp16.

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


def _what(error: Exception) -> str:
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def _existing(path: Path) -> Optional[Path]:
    return next((p for p in (path, REPO_ROOT / path) if p.exists()), None)


def _dicts(node) -> Iterator[ConfigDict]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _dicts(child)
