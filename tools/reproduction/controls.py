"""Parts that exist to be worse: controls of an ablation."""

from torch import Tensor

from mmseg_da.adaptation.teachers import EMATeacher
from mmseg_da.registry import MODELS


@MODELS.register_module()
class ShuffledTeacher(EMATeacher):
    """Gives each image the prediction of the image before it in the batch.

    Its labels have the shares of the classes and the layout of a street, and
    are wrong for their image: what they add, true labels do not explain.
    """

    def predict(self, inputs: Tensor) -> Tensor:
        return super().predict(inputs).roll(1, dims=0)
