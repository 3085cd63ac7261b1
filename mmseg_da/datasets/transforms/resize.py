"""Resizing to the size that the data set asks for."""

from mmseg.datasets.transforms import Resize

from ...registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeToScale(Resize):
    """Resize image and loaded label to the data set's ``img_scale``.

    The size stands at the data set, not in its pipeline, so that a config
    can change it by inheritance: dicts merge, lists of transforms do not.
    Without an ``img_scale`` nothing is resized.

    Args:
        kwargs: See :class:`mmcv.transforms.Resize`, less ``scale`` and
            ``scale_factor``.
    """

    def __init__(self, **kwargs) -> None:
        # The factor is never used; Resize wants one of the two.
        super().__init__(scale_factor=1.0, **kwargs)

    def transform(self, results: dict) -> dict:
        if 'scale' in results:
            self._resize_img(results)
            self._resize_seg(results)
        return results
