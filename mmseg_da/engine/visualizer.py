import mmcv
import numpy as np
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer as MMSegLocalVisualizer

from mmseg_da.registry import VISUALIZERS


@VISUALIZERS.register_module()
class SegLocalVisualizer(MMSegLocalVisualizer):
    """MMSegmentation's visualizer, for predictions of any size.

    MMSegmentation's hook reads the image from its file, at full size. After
    :class:`~mmseg_da.datasets.transforms.EvaluateAtInputSize` prediction and
    label have the network's input size, and painting them raises an
    IndexError. Here the image is brought to their size.
    """

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        **kwargs,
    ) -> None:
        """Draw an RGB image ``(H, W, 3)`` at its prediction's size."""
        height, width = getattr(data_sample, 'ori_shape', image.shape)[:2]
        if image.shape[:2] != (height, width):
            image = mmcv.imresize(image, (width, height))
        super().add_datasample(name, image, data_sample, **kwargs)
