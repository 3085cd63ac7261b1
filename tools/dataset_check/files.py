"""What can be wrong with one image and its label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from mmcv.transforms import LoadAnnotations, LoadImageFromFile

from mmseg_da.datasets.labels import IGNORE_INDEX
from mmseg_da.errors import InputError, LabelValueError, SizeMismatchError

# These stop training or evaluation, or make its numbers wrong. All other
# findings are warnings.
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
    """One fault of one file.

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
    load_label: LoadAnnotations | None


def check_sample(
    sample: Sample,
) -> tuple[bytes | None, list[Finding]]:
    """Read one image and its label.

    Args:
        sample (Sample): What to read.

    Returns:
        tuple: Digest of the image file's bytes (None if the file cannot be
        read or is empty), and the findings.
    """
    findings: list[Finding] = []
    results = dict(sample.info)
    path = results['img_path']
    try:
        results = sample.load_image(results)
    except Exception as error:  # stock loaders raise whatever they like
        results.pop('ori_shape', None)
        findings.append(
            Finding('unusable image', sample.split, path, to_sentence(error))
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
        yield Finding(kind, sample.split, path, to_sentence(error))
        return
    classes = np.unique(label)
    classes = classes[classes != IGNORE_INDEX]
    if len(classes) == 0:
        message = f'The label file {path} is void everywhere.'
        yield Finding('empty label', sample.split, path, message)
    elif len(classes) == 1:
        message = f'The label file {path} has class {classes[0]} alone.'
        yield Finding('one-class label', sample.split, path, message)


def to_sentence(error: Exception) -> str:
    """Say an error; those that are not ours have their type before them."""
    if isinstance(error, InputError):
        return str(error)
    return f'{type(error).__name__}: {error}'


def _digest(path: str) -> bytes | None:
    try:
        data = Path(path).read_bytes()
    except OSError:
        return None
    return blake2b(data, digest_size=16).digest() if data else None
