"""What is wrong with a config, told before anything is built from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from mmengine.config import Config
from mmengine.registry import build_from_cfg, init_default_scope
from mmengine.runner import Runner

from ..errors import InputError
from .config_types import (
    built,
    check_type,
    check_value,
    class_name,
    dicts,
    wrong,
)
from .dataset_configs import find_target_loader
from .domain_sizes import check_domain_sizes
from .evaluation_order import check_evaluation_pipelines

NEEDS = dict(
    train=('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
    test=('model', 'test_dataloader', 'test_cfg', 'test_evaluator'),
    data=(),
)
# What a runner builds from; other keys of a config are its own variables.
EITHER = (
    'default_hooks',
    'custom_hooks',
    'visualizer',
    'log_processor',
    'log_level',
    'randomness',
    'env_cfg',
)
BUILT = dict(
    # With the test's parts: a typo there would show after days of training.
    train=(
        *NEEDS['train'],
        *('param_scheduler', 'auto_scale_lr'),
        *('val_dataloader', 'val_cfg', 'val_evaluator'),
        *('test_dataloader', 'test_cfg', 'test_evaluator'),
        *EITHER,
    ),
    test=(*NEEDS['test'], *EITHER),
    data=('train_dataloader', 'val_dataloader', 'default_hooks'),
)
# A runner takes all of a row, or none.
TOGETHER = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)

# What builds from a config, and its argument.
BUILDERS = {
    build_from_cfg.__code__: 'cfg',
    Runner.build_dataloader.__code__: 'dataloader',
}


def check_config(cfg: Config, purpose: str) -> None:
    """Check what would else fail deep inside, or not at all.

    Args:
        cfg (Config): The config in use.
        purpose (str): 'train', 'test' or 'data': the files of train, target
            and val, for which the config needs no model.

    Raises:
        InputError: A key that is needed is missing, a value is of another
            kind than its key wants (see ``KINDS``), a ``type`` is not known,
            sizes or numbers of classes contradict each other, or
            ``load_from`` does not exist.
    """
    name = cfg.filename or 'The config'
    content = cfg.to_dict()
    for key in NEEDS[purpose]:
        if content.get(key) is None:
            raise InputError(
                f'{name} has no {key}, which is needed to {purpose}: add it, '
                'or inherit it from a file of configs/_base_.'
            )
    for key in (*BUILT[purpose], 'default_scope'):
        if key in content:
            check_value(key, content[key])
    scope = content.get('default_scope', 'mmseg')
    init_default_scope(scope)
    model = content.get('model')
    if purpose != 'data':
        # As the runner does.
        model.setdefault('data_preprocessor', content.get('data_preprocessor'))
    for part in BUILT[purpose]:
        for path, node in built(content.get(part), part):
            if 'type' in node:
                check_type(path, node['type'], scope)
            for key, value in node.items():
                check_value(f'{path}.{key}', value)
    _check_loaders(content, purpose)
    check_evaluation_pipelines(content)
    if purpose == 'data':
        return
    _check_together(content)
    _check_classes(model, content.get('default_hooks'))
    if purpose == 'train':
        _check_epochs(content)
        _check_padding(model)
        check_domain_sizes(content)
    checkpoint = content.get('load_from')
    if checkpoint is not None:
        _check_checkpoint(checkpoint)


def _dict(node: Any) -> dict:
    return node if isinstance(node, dict) else {}


def _check_loaders(content: dict, purpose: str) -> None:
    loaders = {
        key: content[key]
        for key in BUILT[purpose]
        if key.endswith('_dataloader') and content.get(key) is not None
    }
    target = find_target_loader(content)
    if purpose != 'test' and target is not None:
        # As the hook does; the type of its sampler does not matter here.
        workers = _dict(content.get('train_dataloader')).get('num_workers')
        defaults = dict(sampler={}, num_workers=workers)
        loaders[target[0]] = {**defaults, **target[1]}
    for key, loader in loaders.items():
        _check_part(key, loader, 'dataset')
        if purpose != 'data':
            _check_part(key, loader, 'sampler')
            _check_workers(key, loader)
    # A loader's default of 1 is right for all but training.
    if purpose == 'train' and 'batch_size' not in content['train_dataloader']:
        raise InputError(
            'The config key train_dataloader.batch_size is missing.'
        )


def _check_part(key: str, loader: dict, part: str) -> None:
    if not isinstance(loader.get(part), dict):
        raise wrong(f'{key}.{part}', loader.get(part), 'a dict')


def _check_workers(key: str, loader: dict) -> None:
    if loader.get('persistent_workers') and not loader.get('num_workers'):
        raise InputError(
            f'The config key {key}.persistent_workers is True and '
            f'{key}.num_workers is 0: set persistent_workers to False, or '
            'num_workers to 1 or more.'
        )


def _check_epochs(content: dict) -> None:
    loop = content['train_cfg']
    by_epoch = loop.get('by_epoch', 'type' not in loop)
    sampler = content['train_dataloader']['sampler'].get('type')
    if class_name(sampler) == 'InfiniteSampler' and (
        by_epoch or class_name(loop.get('type')) == 'EpochBasedTrainLoop'
    ):
        raise InputError(
            f'The config key train_dataloader.sampler is {sampler}, with '
            'which the first epoch of EpochBasedTrainLoop would never end: '
            "set sampler=dict(type='DefaultSampler', shuffle=True), or "
            'train_cfg.type=IterBasedTrainLoop with max_iters.'
        )


def _check_together(content: dict) -> None:
    for keys in TOGETHER:
        given = [key for key in keys if content.get(key) is not None]
        if given and len(given) < len(keys):
            lacking = [key for key in keys if key not in given]
            raise InputError(
                f'The config has {" and ".join(given)}, but no '
                f'{" or ".join(lacking)}: set all of {", ".join(keys)}, or '
                'all to None.'
            )


def _check_classes(model: dict, hooks: Any) -> None:
    """All that predict or judge classes have the same number of them.

    An auxiliary head may learn another thing: STDC's learns edges.
    """
    head = model.get('decode_head')
    heads = {'model.decode_head': head}
    if isinstance(head, (list, tuple)):
        heads = {f'model.decode_head.{i}': h for i, h in enumerate(head)}
    heads = {key: _dict(h) for key, h in heads.items()}
    classes = {
        f'{key}.num_classes': h['num_classes']
        for key, h in heads.items()
        if 'num_classes' in h
    }
    _compare_classes(classes)
    # The last head predicts; two classes may take one channel.
    last, head = list(heads.items())[-1]
    if head.get('out_channels') is not None:
        classes = {f'{last}.out_channels': head['out_channels']}
    for key, node in dicts(hooks, 'default_hooks'):
        if key.endswith('.discriminator') and 'in_channels' in node:
            own = {f'{key}.in_channels': node['in_channels']}
            _compare_classes({**classes, **own} if classes else own)


def _compare_classes(numbers: dict[str, Any]) -> None:
    if len(set(map(str, numbers.values()))) > 1:
        listed = ', '.join(f'{key} is {n}' for key, n in numbers.items())
        raise InputError(
            f'The numbers of classes contradict each other: {listed}; set '
            'all to one number.'
        )


def _check_padding(model: dict) -> None:
    preprocessor = _dict(model.get('data_preprocessor'))
    # Others may pad by other arguments.
    if class_name(preprocessor.get('type')) != 'SegDataPreProcessor':
        return
    sizes = ('size', 'size_divisor')
    given = [key for key in sizes if preprocessor.get(key) is not None]
    if len(given) != 1:
        raise InputError(
            f'model.data_preprocessor sets {" and ".join(given) or "neither"}'
            ' of size and size_divisor: training needs exactly one of them.'
        )


def _check_checkpoint(checkpoint: Any) -> None:
    if not isinstance(checkpoint, str):
        raise wrong('load_from', checkpoint, 'the path of a .pth file')
    if '://' not in checkpoint and not Path(checkpoint).expanduser().is_file():
        raise InputError(
            f'The checkpoint {checkpoint} does not exist: give the .pth file '
            'of a training run.'
        )


@contextmanager
def explain_build_errors(cfg: Config, within: str = '') -> Iterator[None]:
    """Name the config key from which something could not be built.

    Args:
        cfg (Config): The config in use.
        within (str): The key, with dots, of the part that is built, where
            it is known: parts may be alike. Defaults to '', the whole.

    Raises:
        InputError: If a constructor refuses the arguments that the config
            gives it.
    """
    try:
        yield
    except InputError:
        raise
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        source, inner = _innermost_build(error)
        if source is None:
            raise
        key = _key_of(cfg, source, within)
        # The text of a KeyError is in quotes.
        text = inner.args[0] if len(inner.args) == 1 else inner
        reason = ' '.join(str(text).split()) or type(inner).__name__
        kind = f' (type {source["type"]})' if 'type' in source else ''
        raise InputError(
            f'The config key {key}{kind} cannot be built: '
            f'{reason.removesuffix(".")}; check its arguments.'
        ) from error


def _innermost_build(
    error: BaseException,
) -> tuple[Optional[dict], BaseException]:
    """What MMEngine was building from when an error came up, and the error."""
    source = None
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code in BUILDERS:
            cfg = frame.f_locals.get(BUILDERS[frame.f_code])
            source = cfg if isinstance(cfg, dict) else source
        traceback = traceback.tb_next
    if source is None and error.__context__ is not None:
        # A hook's TypeError is raised anew, without what led to it.
        return _innermost_build(error.__context__)
    return source, error


def _key_of(cfg: Config, source: dict, within: str) -> str:
    """The key of the dict that agrees in most with what was built from."""

    def agreement(node: dict) -> int:
        return sum(source.get(key) == value for key, value in node.items())

    found = {
        path: agreement(node)
        for path, node in dicts(cfg.to_dict())
        if path.startswith(within) and node.get('type') == source.get('type')
    }
    return max(found, key=found.get) if found else '(a default)'
