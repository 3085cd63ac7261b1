"""Loading a config the way every tool here does."""

import inspect
from difflib import get_close_matches
from pathlib import Path

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.runner import Runner
from mmengine.utils import is_installed

from mmseg_da.errors import InputError, warn
from mmseg_da.utils.config_tree import iter_dicts, path_keys

# Keys at the top of a config that mean something to MMEngine or to
# MMSegmentation. All others are a config's own variables.
KNOWN_KEYS = {
    *(key for key in inspect.signature(Runner).parameters if key != 'cfg'),
    *('activation_checkpointing', 'compile', 'custom_imports'),
    *('efficient_conv_bn_eval', 'find_unused_parameters'),
    *('model_wrapper_cfg', 'sync_bn', 'test_pipeline'),
    *('tta_model', 'tta_pipeline'),
}
# MMEngine removes these hooks where a config sets them to None.
OWN_HOOKS = (
    *('runtime_info', 'timer', 'sampler_seed', 'logger'),
    *('param_scheduler', 'checkpoint'),
)
# MMEngine's table names OpenMMLab's distribution of MMSegmentation; the forks
# of OneDL have another name.
if not is_installed('mmsegmentation'):
    MODULE2PACKAGE['mmseg'] = 'onedl-mmsegmentation'


def find_root(package: Path) -> Path:
    """Find the folder of ``configs/`` and ``tools/``.

    It is ``.mim`` inside the package's folder if the package was installed
    from a wheel, else the checkout.
    """
    mim = package / '.mim'
    return mim if mim.is_dir() else package.parent


REPO_ROOT = find_root(Path(__file__).resolve().parents[1])


def load_config(path: str | Path, cfg_options: dict | None = None) -> Config:
    """Load a config so that tools run from any folder.

    Relative paths count from the current folder. The config, data roots and
    files of class statistics that are not there are looked for in the
    project's folder.
    A hook that an inheriting config sets to None is removed. A key that looks
    like a misspelt one is warned of.

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
    except Exception as error:  # A config is a program and may raise anything.
        raise InputError(
            f'The config {path} cannot be loaded ({_describe(error)}): check '
            'the file and its _base_.'
        ) from error
    for key in cfg:
        _warn_of_unknown(key, f'{path} sets {key}')
    for key, value in (cfg_options or {}).items():
        top = key.partition('.')[0]
        if top not in cfg:
            _warn_of_unknown(top, f'--cfg-options {key} adds {top}', new=True)
        try:
            cfg.merge_from_dict({key: value})
        except Exception as error:  # Merging depends on the value's type.
            raise InputError(
                f'The --cfg-options {key}={value} do not fit the config '
                f'{path} ({_describe(error)}): check the key.'
            ) from error
    for path_of_node, node in iter_dicts(cfg._cfg_dict):
        for key in path_keys(path_of_node, node):
            node[key] = str(_existing(Path(node[key])) or node[key])
    hooks = cfg.get('default_hooks')
    if isinstance(hooks, dict):
        for name in [n for n in hooks if hooks[n] is None]:
            if name not in OWN_HOOKS:
                del hooks[name]
    return cfg


def _warn_of_unknown(key: str, sentence: str, new: bool = False) -> None:
    """Warn of a key that nothing reads, if it is new or nearly a known one."""
    if key in KNOWN_KEYS:
        return
    close = get_close_matches(key, KNOWN_KEYS, 1, 0.85)
    if close or new:
        hint = f'did you mean {close[0]}?' if close else 'check its spelling.'
        warn(f'{sentence}, a key that nothing reads: {hint}')


def _describe(error: Exception) -> str:
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def _existing(path: Path) -> Path | None:
    return next((p for p in (path, REPO_ROOT / path) if p.exists()), None)
