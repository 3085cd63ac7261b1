"""Where a pipeline of evaluation loads its labels."""

from collections.abc import Iterator, Mapping
from typing import Any

from launch.config_types import class_name
from mmseg_da.errors import InputError

RESIZES = ('Resize', 'RandomResize', 'ResizeToScale')
LOADERS = ('LoadAnnotations', 'LoadTrainIds')


def check_evaluation_pipelines(config: Mapping) -> None:
    """Check that labels keep their size in ``val`` and ``test``.

    MMSegmentation brings each prediction to the size of its image file. A
    label that was resized cannot be compared with it, unless the pipeline
    has ``mmseg_da.EvaluateAtInputSize``.

    Args:
        config (Mapping): Any MMSegmentation config.

    Raises:
        InputError: A pipeline loads labels before it resizes.
    """
    for loader in ('val_dataloader', 'test_dataloader'):
        dataset = (config.get(loader) or {}).get('dataset')
        for key, pipeline in _find_pipelines(dataset, f'{loader}.dataset'):
            types = [
                class_name(step.get('type'))
                for step in pipeline
                if isinstance(step, Mapping)
            ]
            loads = [i for i, name in enumerate(types) if name in LOADERS]
            resizes = [i for i, name in enumerate(types) if name in RESIZES]
            if (
                loads
                and resizes
                and loads[0] < resizes[-1]
                and 'EvaluateAtInputSize' not in types
            ):
                raise InputError(
                    f'{key} has {types[loads[0]]} before '
                    f'{types[resizes[-1]]}, so that labels differ in size '
                    'from the predictions: load labels after the resize, or '
                    'add mmseg_da.EvaluateAtInputSize after both.'
                )


def _find_pipelines(node: Any, key: str) -> Iterator[tuple[str, list]]:
    """Find the pipelines of data sets, inside of wrappers too."""
    if isinstance(node, (list, tuple)):
        for index, part in enumerate(node):
            yield from _find_pipelines(part, f'{key}.{index}')
    elif isinstance(node, Mapping):
        if isinstance(node.get('pipeline'), (list, tuple)):
            yield f'{key}.pipeline', node['pipeline']
        for name in ('dataset', 'datasets'):
            yield from _find_pipelines(node.get(name), f'{key}.{name}')
