"""Methods beside their controls: the same start, length and seeds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from mmengine.config import Config
from mmengine.fileio import load

from mmseg_da.errors import InputError
from mmseg_da.utils.config import REPO_ROOT
from mmseg_da.utils.config_tree import iter_dicts

#: Each is a folder of configs with its rows in metafile.yaml. tools/demo.py
#: runs another one, configs/demo.
COMPARISONS = (
    'carla2camvid',
    'carla2camvid_240x180',
    'carla2camvid_clahe',
    'carla2camvid_long',
    'carla2camvid_teachers',
    'ablation',
    'ablation_demo',
)


@dataclass(frozen=True)
class Method:
    """A row of a comparison, as its metafile gives it.

    Args:
        label (str): Name in the table.
        config (str): Config file, relative to the project.
        control (str, optional): Label of the row to compare with.
        start (str, optional): Label of the row whose last checkpoint it
            starts from.
        teacher (str, optional): Label of the row whose last checkpoint is
            its frozen teacher.
    """

    label: str
    config: str
    control: str | None = None
    start: str | None = None
    teacher: str | None = None

    @property
    def needs(self) -> set[str]:
        """Labels of the rows that have to be trained before."""
        return {self.start, self.teacher} - {None}


@dataclass(frozen=True)
class Comparison:
    """What all rows of a comparison share.

    Args:
        name (str): Folder of the configs.
        methods (list[Method]): Rows in the order of the table.
        metric (str): Name of the metric that is compared.
        classes (list[str]): Classes whose IoU the table shows.
        gap (list[str]): Labels of the rows between which the gap lies.
        adapt_bn (str, optional): Config whose target re-estimates BatchNorm.
        length (int): Factor on the iterations of each config. Defaults to 1.
        options (dict): Values by the pattern of a key: each key of a config's
            loaders, hooks and optimizer wrapper that matches gets the value.
    """

    name: str
    methods: list[Method]
    metric: str
    classes: list[str]
    gap: list[str]
    adapt_bn: str | None
    length: int = 1
    options: Mapping[str, object] = field(default_factory=dict)


def read_comparison(name: str) -> Comparison:
    """Read a comparison from its metafile."""
    metafile = load(REPO_ROOT / f'configs/{name}/metafile.yaml')
    common = metafile['Collections'][0]['Metadata']
    models = [
        model
        for path, rows in common.get('Rows Of', {}).items()
        for model in load(REPO_ROOT / path)['Models']
        if model.get('Metadata', {}).get('Row') in rows
    ]
    methods = [
        Method(
            model['Metadata']['Row'],
            model['Config'],
            model['Metadata'].get('Control'),
            model['Metadata'].get('Start'),
            model['Metadata'].get('Teacher'),
        )
        for model in [*models, *metafile['Models']]
        if 'Row' in model.get('Metadata', {})
    ]
    labels = [method.label for method in methods]
    return Comparison(
        name,
        # A row of another folder may have a control that is not among them.
        [
            replace(
                one, control=one.control if one.control in labels else None
            )
            for one in methods
        ],
        common['Metric'],
        common['Classes'],
        common['Gap'],
        common.get('BatchNorm Config'),
        common.get('Length', 1),
        # Sizes are tuples, which YAML does not have.
        {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in common.get('Options', {}).items()
        },
    )


def list_methods(comparison: Comparison) -> str:
    """List the rows of a comparison as a Markdown table."""
    lines = ['| Row | Control | Config |', '|---|---|---|']
    for method in comparison.methods:
        control = method.control or '-'
        lines.append(f'| {method.label} | {control} | `{method.config}` |')
    return '\n'.join(lines)


def select_methods(comparison: Comparison, pattern: str) -> Comparison:
    """Keep the rows that match, and those that they are compared with.

    Args:
        comparison (Comparison): All rows.
        pattern (str): Part of a row's label, or a glob pattern of it, or
            several with commas between them.

    Returns:
        Comparison: With the rows that match, their controls, starts and
        teachers, and the two rows of the gap.

    Raises:
        InputError: If no row matches.
    """
    by_label = {method.label: method for method in comparison.methods}
    wanted = [
        label
        for label in by_label
        if any(fnmatch(label, f'*{one}*') for one in pattern.split(','))
    ]
    if not wanted:
        raise InputError(
            f'--only {pattern} matches none of the rows of {comparison.name}: '
            f'{", ".join(by_label)}.'
        )
    wanted += comparison.gap
    for label in wanted:
        method = by_label[label]
        others = method.needs | {method.control} - {None}
        wanted += sorted(others.difference(wanted))
    methods = [one for one in comparison.methods if one.label in wanted]
    return replace(comparison, methods=methods)


def row_options(
    comparison: Comparison, config: str, data: str
) -> dict[str, object]:
    """The ``--cfg-options`` of a row: data, length and the comparison's own.

    Args:
        comparison (Comparison): Gives its options and the length.
        config (str): The row's config, relative to the project.
        data (str): Folder to read in place of ``data``.

    Returns:
        dict[str, object]: Values by key, with dots.
    """
    cfg = Config.fromfile(str(REPO_ROOT / config))
    options: dict[str, object] = {}
    parts = [f'{split}_dataloader' for split in ('train', 'val', 'test')]
    for part in (*parts, 'default_hooks', 'optim_wrapper'):
        for path, node in iter_dicts(cfg[part], part):
            for key in (f'{path}.{name}' for name in node):
                for pattern, value in comparison.options.items():
                    if fnmatch(key, pattern):
                        options[key] = value
            if 'data_root' in node:
                root = re.sub('^data', data, node['data_root'])
                options[f'{path}.data_root'] = root
    if comparison.length != 1:
        for name in ('max_iters', 'val_interval'):
            iterations = cfg.train_cfg[name] * comparison.length
            options[f'train_cfg.{name}'] = iterations
    return options


def work_dir(method: Method, seed: int, out: Path) -> Path:
    """Where a row's run with one seed is."""
    return out / f'{Path(method.config).stem}_seed{seed}'
