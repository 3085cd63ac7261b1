"""Registries of the plugin: children of MMSegmentation's, scope ``mmseg_da``.

A config names a component ``mmseg_da.X``; the scope imports this module and
the locations below by itself, so no ``custom_imports`` is needed.
"""

from mmengine.registry import Registry
from mmseg import registry as mmseg


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(
        parent.name,
        parent=parent,
        scope='mmseg_da',
        locations=[f'mmseg_da.{location}' for location in locations],
    )


MODELS = _child(mmseg.MODELS, 'models', 'adaptation')
DATASETS = _child(mmseg.DATASETS, 'datasets')
DATA_SAMPLERS = _child(mmseg.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(mmseg.TRANSFORMS, 'datasets')
HOOKS = _child(mmseg.HOOKS, 'engine', 'adaptation')
OPTIM_WRAPPERS = _child(mmseg.OPTIM_WRAPPERS, 'engine')
PARAM_SCHEDULERS = _child(mmseg.PARAM_SCHEDULERS, 'engine')
METRICS = _child(mmseg.METRICS, 'evaluation')
VISUALIZERS = _child(mmseg.VISUALIZERS, 'engine')
