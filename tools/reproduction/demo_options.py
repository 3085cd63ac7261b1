"""Overrides that bring any row's config to the size of the demo report."""

from mmengine.config import Config

from mmseg_da.utils.config import REPO_ROOT
from mmseg_da.utils.config_tree import iter_dicts, path_keys

DATA = 'data/demo'
BATCH_SIZE = 4
# Paper sizes are divided by this: 1280x720 and 1024x512.
SCALE = 8
PAPER_EPOCHS = 50
# Iterations in place of 50 epochs; DeepLabV2 costs ten times as much each.
ITERATIONS = {'mmseg_da.BiSeNet': 80, 'mmseg_da.DeepLabV2ResNet': 20}
PARTS = ('model', 'train_dataloader', 'val_dataloader', 'default_hooks')


def demo_options(config: str) -> dict[str, object]:
    """Compute the overrides of a row's config.

    Data roots and class weights move to the demo's data. Images shrink to an
    eighth. Training is short, in small batches, and from scratch. All else
    stays as in the config: network at full width, losses, augmentations,
    optimizers, schedule, adaptation.

    Args:
        config (str): Config file, relative to the project.

    Returns:
        dict[str, object]: ``--cfg-options``, keys with dots.
    """
    cfg = Config.fromfile(str(REPO_ROOT / config))
    options: dict[str, object] = {}
    for part in PARTS:
        for key, node in iter_dicts(cfg[part], part):
            options.update(_shrink(key, node))
    options.update(_shorten(cfg))
    # Testing uses the loader of validation.
    for key, value in list(options.items()):
        if key.startswith('val_dataloader'):
            options[key.replace('val', 'test', 1)] = value
    return options


def _shrink(key: str, node: dict) -> dict[str, object]:
    """Override where the data is and how large images are, in one dict."""
    options: dict[str, object] = {}
    for name in path_keys(key, node):
        options[name] = node[name].replace('data', DATA, 1)
    if node.get('img_scale') is not None:
        options['img_scale'] = tuple(n // SCALE for n in node['img_scale'])
    if node.get('seg_map_path') == 'gtFine/train':
        # The demo's target train images have no labels, the oracle's have.
        for name in ('img_path', 'seg_map_path'):
            options[name] = f'{node[name]}_labelled'
    if (node.get('init_cfg') or {}).get('type') == 'Pretrained':
        options['init_cfg'] = None
    if 'num_workers' in node:
        options['num_workers'] = 1
    return {f'{key}.{name}': value for name, value in options.items()}


def _shorten(cfg: Config) -> dict[str, object]:
    loader = cfg.train_dataloader
    epochs = round(
        cfg.train_cfg.max_iters
        * loader.batch_size
        / loader.dataset.max_samples
    )
    iterations = round(
        ITERATIONS[cfg.model.backbone.type] * epochs / PAPER_EPOCHS
    )
    return {
        'train_dataloader.batch_size': BATCH_SIZE,
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': max(1, iterations // 2),
        'default_hooks.logger.interval': max(1, iterations // 20),
        'default_hooks.checkpoint.interval': max(1, iterations // 2),
        'default_hooks.checkpoint.max_keep_ckpts': 1,
    }
