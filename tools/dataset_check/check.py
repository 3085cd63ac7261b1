"""Finds the faults of the files that a config trains and tests on."""

import copy
import signal
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import Pool
from pathlib import Path

from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from rich.progress import track

from dataset_check.sample_check import (
    Finding,
    Sample,
    check_sample,
    to_sentence,
)
from launch import check_config
from mmseg_da.datasets import FolderDataset, LoadImage, LoadTrainIds
from mmseg_da.datasets.resized import check_resized
from mmseg_da.errors import InputError
from mmseg_da.registry import DATASETS, TRANSFORMS
from mmseg_da.utils import explain_build_errors
from mmseg_da.utils.config_tree import find_target_loader, single_datasets


def check_config_data(cfg: Config, workers: int = 0) -> dict:
    """Check every file that a config's data loaders would read.

    The sets are ``train_dataloader``, the target's
    ``target_dataloader`` (images alone: its labels are never opened),
    ``val_dataloader`` and, where it is another one, ``test_dataloader``,
    with the samples that they choose (``max_samples``,
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
            for _, part in single_datasets(loader['dataset'], key):
                samples += _find_samples(split, part, findings)
    target = {s.info['img_path'] for s in samples if s.split == 'target'}
    hashes: dict[bytes, list[tuple[str, str]]] = {}
    for sample, (digest, found) in zip(samples, _run(samples, workers)):
        findings += found
        # The target's own images may be tested on where nothing is scored.
        own = sample.load_label is None and sample.info['img_path'] in target
        if digest is not None and not (sample.split == 'test' and own):
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
    """Turn a result into plain types, as the tool writes them."""
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
    target = find_target_loader(cfg) or ('', None)
    for split, key, loader in (
        ('train', 'train_dataloader', cfg.get('train_dataloader')),
        ('target', *target),
        ('val', 'val_dataloader', cfg.get('val_dataloader')),
        ('test', 'test_dataloader', cfg.get('test_dataloader')),
    ):
        # Many configs test on the validation's images.
        if split == 'test' and loader == cfg.get('val_dataloader'):
            continue
        if loader:
            yield split, (key, loader)


def _find_samples(
    split: str, dataset_cfg: dict, findings: list[Finding]
) -> list[Sample]:
    dataset_cfg = copy.deepcopy(dataset_cfg)
    transforms = dataset_cfg.get('pipeline') or []
    pipeline = [TRANSFORMS.build(t) for t in transforms]
    load_image = _first(pipeline, LoadImageFromFile) or LoadImage()
    load_label = _first(pipeline, LoadAnnotations)
    if isinstance(load_label, LoadTrainIds):
        load_label.tells_unclear = False  # each of them is a finding
    if split == 'target':
        load_label = None
        (dataset_cfg.get('data_prefix') or {}).pop('seg_map_path', None)
        dataset_cfg['pipeline'] = []
    dataset_cfg['lazy_init'] = True
    try:
        dataset = DATASETS.build(dataset_cfg)
    except (OSError, AssertionError) as error:
        # Some of mmseg's data sets look for their folders here. An InputError
        # is about the config and goes on to the user.
        findings.append(_wrong_layout(split, dataset_cfg, error))
        return []
    try:
        infos, missing = _list_samples(dataset)
    except (InputError, OSError, AssertionError) as error:
        findings.append(_wrong_layout(split, dataset_cfg, error))
        return []
    shortage = isinstance(dataset, FolderDataset) and dataset.find_shortage()
    if shortage:
        folder = dataset.data_prefix['img_path']
        findings.append(Finding('fewer images', split, folder, shortage))
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
    return Finding('wrong layout', split, root, to_sentence(error))


def _list_samples(dataset: BaseDataset) -> tuple[list[dict], list[dict]]:
    """All samples, and those without a label file."""
    if isinstance(dataset, FolderDataset):
        classes = dataset.all_classes[0] if dataset.is_labelled else ()
        check_resized(dataset.data_root, dataset.img_scale, classes)
        infos, missing = dataset.find_samples()
        if dataset.is_labelled:
            encoding = dataset.label_encoding
            infos = [{**info, 'label_encoding': encoding} for info in infos]
        return infos, missing
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
    """Ignore Ctrl-C in a worker: the main process gets it and ends all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
