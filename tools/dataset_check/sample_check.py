"""What is wrong with one image and its label."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from mmcv.transforms import LoadAnnotations, LoadImageFromFile

from dataset_check.jpeg_warnings import collect_jpeg_warnings
from mmseg_da.datasets.label_encoding import IGNORE_INDEX, unclear_label
from mmseg_da.errors import InputError, LabelValueError, SizeMismatchError

# What makes training or evaluation stop or lie. All else is a warning.
ERRORS = (
    'wrong layout',
    'missing label',
    'unusable image',
    'damaged image',
    'unusable label',
    'size mismatch',
    'unknown label value',
    'duplicate between splits',
)
WARNINGS = ('empty label', 'one-class label', 'unclear label', 'fewer images')


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one file.

    Attributes:
        kind (str): One of ``ERRORS`` or ``WARNINGS``.
        split (str): 'train', 'target', 'val' or 'test'.
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
        tuple: Digest of the image file's bytes (None if it has none), and
        the findings.
    """
    findings: list[Finding] = []
    results = dict(sample.info)
    path = results['img_path']
    complaints: list[str] = []
    try:
        with collect_jpeg_warnings(complaints):
            results = sample.load_image(results)
    except Exception as error:  # stock loaders raise whatever they like
        results.pop('ori_shape', None)
        findings.append(
            Finding('unusable image', sample.split, path, to_sentence(error))
        )
    else:
        findings += [
            Finding(
                'damaged image',
                sample.split,
                path,
                f'The image {path} is damaged inside and decodes to wrong '
                f'pixels ({complaint}): fetch it again.',
            )
            for complaint in complaints
        ]
    if sample.load_label is not None:
        findings += _check_label(sample, results)
    if 'frame' in sample.info:
        # The file of a video holds all of its frames.
        image = results.get('img')
        digest = None if image is None else _digest(image.tobytes())
    else:
        digest = _digest(_read(path))
    return digest, findings


def _check_label(sample: Sample, results: dict) -> Iterator[Finding]:
    path = results['seg_map_path']
    try:
        results = sample.load_label(results)
    except Exception as error:
        kind = 'unusable label'
        if isinstance(error, SizeMismatchError):
            kind = 'size mismatch'
        elif isinstance(error, LabelValueError):
            kind = 'unknown label value'
        yield Finding(kind, sample.split, path, to_sentence(error))
        return
    if results.get('unclear_label'):
        yield Finding('unclear label', sample.split, path, unclear_label(path))
    classes = np.unique(results['gt_seg_map'])
    classes = classes[classes != IGNORE_INDEX]
    if len(classes) == 0:
        message = f'The label file {path} is void everywhere.'
        yield Finding('empty label', sample.split, path, message)
    elif len(classes) == 1:
        message = f'The label file {path} has class {classes[0]} alone.'
        yield Finding('one-class label', sample.split, path, message)


def to_sentence(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f'{type(error).__name__}: {error}'


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b''


def _digest(data: bytes) -> bytes | None:
    return blake2b(data, digest_size=16).digest() if data else None
