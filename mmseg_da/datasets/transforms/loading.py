"""Reading images and labels, with bad files found and named."""

import io
import logging
import warnings

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import print_log
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmseg_da.datasets.encodings import NAMED
from mmseg_da.datasets.label_encoding import decode_label, unclear_label
from mmseg_da.datasets.video import read_frame
from mmseg_da.errors import InputError, SizeMismatchError, UnreadableFileError
from mmseg_da.registry import TRANSFORMS

# 8192x8192 is larger than any street scene and small enough to decode. A
# header of a few bytes can declare gigabytes of pixels.
MAX_PIXELS = 2**26
_PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
# How PNG and JPEG begin, and what is near their end.
_ENDS = {_PNG_SIGNATURE: b'IEND', b'\xff\xd8': b'\xff\xd9'}


def read_bytes(
    path: str, kind: str, backend_args: dict | None = None
) -> bytes:
    """Read a whole image file and check that its end is there.

    Some OpenCV versions return the upper part of a truncated file instead of
    failing, so the end marker is looked for (PNG and JPEG). ``kind`` is
    'image' or 'label', for the message.

    Raises:
        InputError: The file is missing, unreadable, empty or truncated.
    """
    try:
        data = fileio.get(path, backend_args=backend_args)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableFileError(
            f'The {kind} file {path} cannot be read: {reason}.'
        ) from error
    if not data:
        raise UnreadableFileError(
            f'The {kind} file {path} is empty (0 bytes): fetch it again.'
        )
    for start, end in _ENDS.items():
        if data.startswith(start) and data.rfind(end) < 0:
            raise UnreadableFileError(
                f'The {kind} file {path} is truncated (its end is missing '
                f'after {len(data)} bytes): fetch it again.'
            )
    _check_declared_size(data, path, kind)
    return data


def _check_declared_size(data: bytes, path: str, kind: str) -> None:
    """Read only the header, before a decoder allocates the pixels."""
    try:
        with warnings.catch_warnings():
            # Pillow warns at a limit of its own, which is higher than ours.
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            width, height = Image.open(io.BytesIO(data)).size
        if width * height <= MAX_PIXELS:
            return
        found = f'{width}x{height} pixels'
    except Image.DecompressionBombError:
        found = f'over {2 * Image.MAX_IMAGE_PIXELS} pixels'
    except Exception:  # the decoder reports what is wrong
        return
    raise UnreadableFileError(
        f'The {kind} file {path} declares too large a picture ({found}, and '
        f'at most {MAX_PIXELS} are decoded): fetch it again or scale it down.'
    )


def _undecodable(path: str, kind: str, size: int) -> UnreadableFileError:
    return UnreadableFileError(
        f'The {kind} file {path} cannot be decoded (damaged, or no image; '
        f'{size} bytes): fetch it again.'
    )


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` that names a file it cannot use.

    With the key ``frame`` it reads that frame of a video.

    Args: as mmcv's ``LoadImageFromFile``.

    Raises:
        InputError: The image is missing, empty, truncated or damaged.
    """

    def transform(self, results: dict) -> dict | None:
        """Add ``img`` (BGR, uint8), ``img_shape`` and ``ori_shape``."""
        path = results['img_path']
        try:
            if 'frame' in results:
                img = read_frame(path, results['frame'])
            else:
                img = self._read(path)
        except InputError:
            if self.ignore_empty:
                return None
            raise
        results['img'] = img.astype(np.float32) if self.to_float32 else img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def _read(self, path: str) -> np.ndarray:
        data = read_bytes(path, 'image', self.backend_args)
        try:
            img = mmcv.imfrombytes(
                data, flag=self.color_type, backend=self.imdecode_backend
            )
        except Exception as error:  # decoders raise whatever they like
            raise _undecodable(path, 'image', len(data)) from error
        if img is None:
            raise _undecodable(path, 'image', len(data))
        return img


@TRANSFORMS.register_module()
class LoadTrainIds(LoadAnnotations):
    """Load a label PNG as the classes that a network is trained on.

    The data set says in ``label_encoding`` how its files encode classes:
    grey files and palette files by ids, RGB(A) files by colours or by ids in
    one channel. All are decoded by one table look-up
    (:mod:`mmseg_da.datasets.label_encoding`).

    Required keys: ``seg_map_path``, ``seg_fields``; used if there:
    ``label_encoding`` (a :class:`LabelEncoding` or a name; absent: train
    ids), ``label_map``, ``ori_shape``, ``img_path``.
    Added keys: ``gt_seg_map`` (uint8, shape (H, W), classes and 255 for what
    is ignored) and ``unclear_label``, whether the file could as well hold
    train ids.

    Args:
        backend_args (dict, optional): As mmcv's ``LoadImageFromFile``.

    Raises:
        InputError: The label is missing, empty, truncated, damaged or no
            PNG, its kind is not the declared one, its size is not that of
            its image, it has an id or a colour that is not known, or its
            palette contradicts its ids.
    """

    def __init__(self, backend_args: dict | None = None) -> None:
        super().__init__(backend_args=backend_args)
        # The first file that fits two encodings is told, not each of them.
        self.tells_unclear = True

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        if results.get('reduce_zero_label'):
            raise InputError(
                f'The data set of {path} has reduce_zero_label=True, which '
                'LoadTrainIds does not do: leave it out and say in '
                'label_encoding what each id means, or use LoadAnnotations.'
            )
        data = read_bytes(path, 'label', self.backend_args)
        if not data.startswith(_PNG_SIGNATURE):
            raise UnreadableFileError(
                f'The label file {path} is no PNG: labels must be PNG, as '
                'lossy formats change them.'
            )
        encoding = results.get('label_encoding', 'train_ids')
        if isinstance(encoding, str):
            encoding = NAMED[encoding]
        try:
            # Decoding ignores the checksums of the pixels, where damage may
            # give other ids.
            Image.open(io.BytesIO(data)).verify()
            image = Image.open(io.BytesIO(data))
            (width, height), shape = image.size, results.get('ori_shape')
            if shape is not None and tuple(shape) != (height, width):
                raise SizeMismatchError(
                    f'The label file {path} is {width}x{height}, but its '
                    f'image {results.get("img_path")} is {shape[1]}x'
                    f'{shape[0]}: they must have the same size.'
                )
            label, is_unclear = decode_label(data, image, path, encoding)
        except InputError:
            raise
        except Exception as error:  # decoders raise whatever they like
            raise _undecodable(path, 'label', len(data)) from error
        if is_unclear and self.tells_unclear:
            self.tells_unclear = False
            print_log(
                unclear_label(path), logger='current', level=logging.WARNING
            )
        results['unclear_label'] = is_unclear
        label_map = results.get('label_map')
        if label_map is not None:
            table = np.full(256, 255, np.uint8)
            table[list(label_map)] = list(label_map.values())
            label = table.take(label)
        results['gt_seg_map'] = label
        results['seg_fields'].append('gt_seg_map')
