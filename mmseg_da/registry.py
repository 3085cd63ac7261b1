"""Registries of the plugin: children of MMSegmentation's, scope ``mmseg_da``.

A config names a component ``mmseg_da.X``; the scope imports this module and
the locations below by itself, so no ``custom_imports`` is needed.
"""

from mmengine.registry import Registry
from mmseg.registry import DATA_SAMPLERS as MMSEG_DATA_SAMPLERS
from mmseg.registry import DATASETS as MMSEG_DATASETS
from mmseg.registry import HOOKS as MMSEG_HOOKS
from mmseg.registry import METRICS as MMSEG_METRICS
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.registry import OPTIM_WRAPPERS as MMSEG_OPTIM_WRAPPERS
from mmseg.registry import PARAM_SCHEDULERS as MMSEG_PARAM_SCHEDULERS
from mmseg.registry import TRANSFORMS as MMSEG_TRANSFORMS
from mmseg.registry import VISUALIZERS as MMSEG_VISUALIZERS


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(
        parent.name,
        parent=parent,
        scope='mmseg_da',
        locations=[f'mmseg_da.{location}' for location in locations],
    )


MODELS = _child(MMSEG_MODELS, 'models', 'adaptation')
DATASETS = _child(MMSEG_DATASETS, 'datasets')
DATA_SAMPLERS = _child(MMSEG_DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(MMSEG_TRANSFORMS, 'datasets')
HOOKS = _child(MMSEG_HOOKS, 'engine', 'adaptation')
OPTIM_WRAPPERS = _child(MMSEG_OPTIM_WRAPPERS, 'engine')
PARAM_SCHEDULERS = _child(MMSEG_PARAM_SCHEDULERS, 'engine')
METRICS = _child(MMSEG_METRICS, 'evaluation')
VISUALIZERS = _child(MMSEG_VISUALIZERS, 'engine')
