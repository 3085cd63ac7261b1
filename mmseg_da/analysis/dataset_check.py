"""What is wrong with the files that a config trains and tests on."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from multiprocessing import Pool
from pathlib import Path
from typing import Optional

import numpy as np
from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from rich.progress import track

from ..datasets import DomainDataset, LoadImage
from ..datasets.labels import IGNORE_INDEX
from ..errors import (
    InputError,
    LabelValueError,
    SizeMismatchError,
)
from ..registry import DATASETS, TRANSFORMS
from ..utils import check_config, explain_build_errors
from ..utils.validate import TARGET

# What makes training or evaluation stop or lie. All else is a warning.
ERRORS = (
    'wrong layout',
    'missing label',
    'unusable image',
    'unusable label',
    'size mismatch',
    'unknown label value',
    'duplicate between splits',
)
WARNINGS = ('empty label', 'one-class label')


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one file.

    Attributes:
        kind (str): One of ``ERRORS`` or ``WARNINGS``.
        split (str): 'train', 'target' or 'val'.
        file (str): The file, or the folder of a wrong layout.
        message (str): A sentence.
    """

    kind: str
    split: str
    file: str
    message: str

    @property
    def is_error(self) -> bool:
        return self.kind in ERRORS


@dataclass(frozen=True)
class Sample:
    """What a worker needs to check one image and its label."""

    split: str
    info: dict
    load_image: LoadImageFromFile
    load_label: Optional[LoadAnnotations]


def check_config_data(cfg: Config, workers: int = 0) -> dict:
    """Check every file that a config's data loaders would read.

    The sets are ``train_dataloader``, the adversarial hook's
    ``target_dataloader`` (images alone: its labels are never opened) and
    ``val_dataloader``, with the samples that they choose (``max_samples``,
    ``cities``, ``ids``, ``ann_file``).

    Args:
        cfg (Config): Any MMSegmentation config; it needs no model.
        workers (int): Processes that read files; 0 reads them in this one.
            Defaults to 0.

    Returns:
        dict: ``samples`` (their number in each split) and ``findings``
        (a list of :class:`Finding`).

    Raises:
        InputError: If the config has no data set at all, or one that
            cannot be built from it.
    """
    check_config(cfg, 'data')
    findings: list[Finding] = []
    samples: list[Sample] = []
    splits = dict(_splits(cfg))
    if not splits:
        raise InputError(
            f'{cfg.filename or "The config"} has no data set: give one with '
            'a train_dataloader or a val_dataloader.'
        )
    for split, (key, loader) in splits.items():
        with explain_build_errors(cfg, key):
            for part in _plain(loader['dataset']):
                samples += _find_samples(split, part, findings)
    hashes: dict[bytes, list[tuple[str, str]]] = {}
    for sample, (digest, found) in zip(samples, _run(samples, workers)):
        findings += found
        if digest is not None:
            place = (sample.split, sample.info['img_path'])
            hashes.setdefault(digest, []).append(place)
    findings += _duplicates(hashes)
    return dict(
        samples={
            split: sum(sample.split == split for sample in samples)
            for split in splits
        },
        findings=findings,
    )


def as_json(result: dict) -> dict:
    """The result with plain types, as the tool writes it."""
    findings = [
        dict(
            asdict(finding),
            severity='error' if finding.is_error else 'warning',
        )
        for finding in result['findings']
    ]
    return dict(result, findings=findings)


def _splits(cfg: Config) -> Iterator[tuple[str, tuple[str, dict]]]:
    """The splits that a config has, their keys and their loaders."""
    hooks = cfg.get('default_hooks') or {}
    hook = hooks.get('adversarial') or {}
    for split, key, loader in (
        ('train', 'train_dataloader', cfg.get('train_dataloader')),
        ('target', TARGET, hook.get('target_dataloader')),
        ('val', 'val_dataloader', cfg.get('val_dataloader')),
    ):
        if loader:
            yield split, (key, loader)


def _plain(dataset_cfg: dict) -> Iterator[dict]:
    """The configs of the data sets inside of wrappers."""
    inner = dataset_cfg.get('datasets', dataset_cfg.get('dataset'))
    parts = [inner] if isinstance(inner, dict) else inner
    # Else it is no wrapper, or building it tells what is wrong.
    if not isinstance(parts, (list, tuple)):
        yield dataset_cfg
        return
    for part in parts:
        yield from _plain(part)


def _find_samples(
    split: str, dataset_cfg: dict, findings: list[Finding]
) -> list[Sample]:
    dataset_cfg = copy.deepcopy(dataset_cfg)
    transforms = dataset_cfg.get('pipeline') or []
    pipeline = [TRANSFORMS.build(t) for t in transforms]
    load_image = _first(pipeline, LoadImageFromFile) or LoadImage()
    load_label = _first(pipeline, LoadAnnotations)
    if split == 'target':
        load_label = None
        (dataset_cfg.get('data_prefix') or {}).pop('seg_map_path', None)
        dataset_cfg['pipeline'] = []
    dataset_cfg['lazy_init'] = True
    try:
        dataset = DATASETS.build(dataset_cfg)
    except (OSError, AssertionError) as error:
        # Some of mmseg's look for their folders here; an InputError of ours
        # is about the config.
        findings.append(_wrong_layout(split, dataset_cfg, error))
        return []
    try:
        infos, missing = _list_samples(dataset)
    except (InputError, OSError, AssertionError) as error:
        findings.append(_wrong_layout(split, dataset_cfg, error))
        return []
    if load_label is not None:
        findings += [
            Finding(
                'missing label',
                split,
                info['seg_map_path'],
                f'The image {info["img_path"]} has no label '
                f'{info["seg_map_path"]}.',
            )
            for info in missing
        ]
    without = {info['img_path'] for info in missing}
    return [
        Sample(
            split,
            info,
            load_image,
            None if info['img_path'] in without else load_label,
        )
        for info in infos
    ]


def _wrong_layout(split: str, cfg: dict, error: Exception) -> Finding:
    root = cfg.get('data_root') or cfg['type']
    return Finding('wrong layout', split, root, _sentence(error))


def _list_samples(dataset: BaseDataset) -> tuple[list[dict], list[dict]]:
    """All samples, and those without a label file."""
    if isinstance(dataset, DomainDataset):
        return dataset.find_samples()
    infos = dataset.load_data_list()
    if not infos:
        raise InputError(
            f'{type(dataset).__name__} found no image in '
            f'{dataset.data_prefix}: check the layout and img_suffix.'
        )
    # A stock data set without labels names no label file.
    labels = [info.get('seg_map_path') for info in infos]
    missing = [
        info
        for info, label in zip(infos, labels)
        if label and not Path(label).exists()
    ]
    return infos, missing


def _first(transforms: list, kind: type):
    return next((t for t in transforms if isinstance(t, kind)), None)


def _run(samples: list[Sample], workers: int) -> Iterator[tuple]:
    progress = dict(description='Checking files', total=len(samples))
    if workers < 1:
        yield from track(map(check_sample, samples), **progress)
        return
    chunk = max(1, min(16, len(samples) // (8 * workers)))
    with Pool(workers, initializer=_leave_interrupts) as pool:
        # In the order of the samples, so that a report can be compared.
        yield from track(pool.imap(check_sample, samples, chunk), **progress)


def _leave_interrupts() -> None:
    """Ctrl-C is the main process's, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check_sample(
    sample: Sample,
) -> tuple[Optional[bytes], list[Finding]]:
    """Read one image and its label.

    Args:
        sample (Sample): What to read.

    Returns:
        tuple: Digest of the image file's bytes (None if it has none), and
        the findings.
    """
    findings: list[Finding] = []
    results = dict(sample.info)
    path = results['img_path']
    try:
        results = sample.load_image(results)
    except Exception as error:  # stock loaders raise whatever they like
        results.pop('ori_shape', None)
        findings.append(
            Finding('unusable image', sample.split, path, _sentence(error))
        )
    if sample.load_label is not None:
        findings += _check_label(sample, results)
    return _digest(path), findings


def _check_label(sample: Sample, results: dict) -> Iterator[Finding]:
    path = results['seg_map_path']
    try:
        label = sample.load_label(results)['gt_seg_map']
    except Exception as error:
        kind = 'unusable label'
        if isinstance(error, SizeMismatchError):
            kind = 'size mismatch'
        elif isinstance(error, LabelValueError):
            kind = 'unknown label value'
        yield Finding(kind, sample.split, path, _sentence(error))
        return
    classes = np.unique(label)
    classes = classes[classes != IGNORE_INDEX]
    if len(classes) == 0:
        message = f'The label file {path} is void everywhere.'
        yield Finding('empty label', sample.split, path, message)
    elif len(classes) == 1:
        message = f'The label file {path} has class {classes[0]} alone.'
        yield Finding('one-class label', sample.split, path, message)


def _sentence(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f'{type(error).__name__}: {error}'


def _digest(path: str) -> Optional[bytes]:
    try:
        data = Path(path).read_bytes()
    except OSError:
        return None
    return blake2b(data, digest_size=16).digest() if data else None


def _duplicates(hashes: dict) -> Iterator[Finding]:
    for places in hashes.values():
        first_split, first = places[0]
        seen = {first_split}
        for split, path in places[1:]:
            if split not in seen:
                seen.add(split)
                yield Finding(
                    'duplicate between splits',
                    split,
                    path,
                    f'The image {path} of {split} has the bytes of {first} '
                    f'of {first_split}.',
                )
