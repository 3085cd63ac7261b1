"""Resize samples, and choose the size that they are evaluated at."""

from typing import Any

from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import Resize

from mmseg_da.errors import InputError, wrong_value
from mmseg_da.registry import TRANSFORMS


def check_size(key: str, value: Any) -> None:
    """Raise unless the value is (width, height) in pixels, or None."""
    if value is not None and not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(isinstance(v, int) and v > 0 for v in value)
    ):
        wanted = '(width, height), two positive integers'
        raise wrong_value(key, value, wanted)


@TRANSFORMS.register_module()
class ResizeToScale(Resize):
    """MMSeg's ``Resize`` to the data set's ``img_scale``.

    The config gives the size beside the data set's folder, so that one key
    changes it for the whole pipeline. The image (bilinear) and the labels
    that were loaded before (nearest) are resized.

    Required key: ``img_scale``, (width, height), which
    :class:`~mmseg_da.datasets.FolderDataset` gives to its samples.

    Raises:
        InputError: The data set has no ``img_scale``.
    """

    def __init__(self) -> None:
        super().__init__(scale=(1, 1))  # replaced for each sample

    def transform(self, results: dict) -> dict:
        """Resize the sample."""
        scale = results.get('img_scale')
        if scale is None:
            raise InputError(
                'The pipeline has ResizeToScale, but its data set has no '
                'img_scale: set it to (width, height).'
            )
        self.scale = tuple(scale)
        return super().transform(results)


@TRANSFORMS.register_module()
class EvaluateAtInputSize(BaseTransform):
    """Score the prediction at the network's input size.

    MMSeg scales a prediction to ``ori_shape`` before it is scored. With the
    label loaded before the resize and this transform after it, label and
    prediction have the input's size: the paper's protocol (1024x512).
    Without this transform, load labels after the resize: they then keep
    their full resolution.

    Changes ``ori_shape`` to ``img_shape``.

    Raises:
        InputError: The label does not have the input's size.
    """

    def transform(self, results: dict) -> dict:
        """Take the input's size as the original one."""
        shape = tuple(results['img_shape'])
        label = results.get('gt_seg_map')
        if label is not None and label.shape != shape:
            raise InputError(
                'The pipeline has EvaluateAtInputSize, but the label of '
                f'{results.get("img_path")} is {label.shape[1]}x'
                f'{label.shape[0]} and its image {shape[1]}x{shape[0]}: load '
                'the label before the resize, and the resize before this.'
            )
        results['ori_shape'] = shape
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
