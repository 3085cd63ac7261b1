"""Where a pipeline of evaluation loads its labels."""

from collections.abc import Mapping
from typing import Any

from launch.config_types import class_name
from mmseg_da.errors import InputError
from mmseg_da.utils.config_tree import iter_dicts

RESIZES = ('Resize', 'RandomResize', 'ResizeToScale')
# Pipelines of these alone load no label.
UNLABELLED = ('LoadImage', 'LoadImageFromFile', 'PackSegInputs', *RESIZES)
LOADERS = ('LoadAnnotations', 'LoadTrainIds')


def check_evaluation_pipelines(config: Mapping, purpose: str) -> None:
    """Check that ``val`` and ``test`` load labels, which keep their size.

    MMSegmentation brings each prediction to the size of its image file. A
    label that was resized cannot be compared with it, unless the pipeline
    has ``mmseg_da.EvaluateAtInputSize``.

    Args:
        config (Mapping): Any MMSegmentation config.
        purpose (str): See :func:`launch.check_config`. The data that are
            evaluated need labels: 'train' evaluates on ``val``, 'test' on
            ``test``.

    Raises:
        InputError: A pipeline loads labels before it resizes, or none where
            ``IoUMetric`` compares with them, or samples may be skipped.
    """
    evaluated = {'train': 'val', 'test': 'test'}.get(purpose)
    for split in ('val', 'test'):
        loader, metrics = f'{split}_dataloader', f'{split}_evaluator'
        dataset = (config.get(loader) or {}).get('dataset')
        for key, node in iter_dicts(dataset, f'{loader}.dataset'):
            if node.get('skip_bad_samples') and not node.get('test_mode'):
                raise InputError(
                    f'{key}.skip_bad_samples is True, but evaluation must '
                    'not leave out or replace samples: set it to False.'
                )
            pipeline = node.get('pipeline')
            if not isinstance(pipeline, (list, tuple)):
                continue
            types = [
                class_name(step.get('type'))
                for step in pipeline
                if isinstance(step, Mapping)
            ]
            needs_labels = split == evaluated and _compares(
                config.get(metrics)
            )
            if needs_labels and types and set(types) <= set(UNLABELLED):
                raise InputError(
                    f'{key}.pipeline loads no labels, with which {metrics} '
                    'compares: add mmseg_da.LoadTrainIds before '
                    f'PackSegInputs, or set {loader}, {split}_cfg and '
                    f'{metrics} to None.'
                )
            loads = [i for i, name in enumerate(types) if name in LOADERS]
            resizes = [i for i, name in enumerate(types) if name in RESIZES]
            if (
                loads
                and resizes
                and loads[0] < resizes[-1]
                and 'EvaluateAtInputSize' not in types
            ):
                raise InputError(
                    f'{key}.pipeline has {types[loads[0]]} before '
                    f'{types[resizes[-1]]}, so that labels differ in size '
                    'from the predictions: load labels after the resize, or '
                    'add mmseg_da.EvaluateAtInputSize after both.'
                )


def _compares(evaluators: Any) -> bool:
    """Whether one of the metrics needs labels."""
    if isinstance(evaluators, Mapping):
        evaluators = [evaluators]
    return any(
        class_name(one.get('type')) == 'IoUMetric'
        and not one.get('format_only')
        for one in evaluators or ()
        if isinstance(one, Mapping)
    )
