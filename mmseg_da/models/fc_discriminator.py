"""Output-space discriminator of Tsai et al., CVPR 2018."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS


@MODELS.register_module()
class FCDiscriminator(BaseModule):
    """Fully convolutional domain classifier on class probabilities.

    Five 4x4 stride-2 convolutions of 64, 128, 256, 512 and 1 channels with
    leaky ReLU (slope 0.2) between them ("Learning to Adapt Structured Output
    Space for Semantic Segmentation", section 4.1): 2.78 M parameters at 19
    classes.

    Args:
        in_channels (int): Number of classes.
        base_channels (int): Channels of the first layer; each next one has
            twice as many. Defaults to 64.
        separable (bool): Whether each hidden layer is a 4x4 convolution of
            every channel by itself and a 1x1 convolution over the channels
            ("MobileNets", 2017, section 3.1): 0.19 M parameters and a
            fourteenth of the multiplications. No paper's row has it. Defaults
            to False.

    Raises:
        InputError: If the input is smaller than 32 pixels each way.

    Shape:
        - Input: probabilities ``(N, in_channels, H, W)``, H and W at least 32.
        - Output: domain logits ``(N, 1, H/32, W/32)``; positive is source.
    """

    def __init__(
        self,
        in_channels: int,
        base_channels: int = 64,
        separable: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        widths = [in_channels, *(base_channels * 2**i for i in range(4))]
        layers: list[nn.Module] = []
        for c_in, c_out in zip(widths, widths[1:]):
            if separable:
                layers.append(nn.Conv2d(c_in, c_in, 4, 2, 1, groups=c_in))
                layers.append(nn.Conv2d(c_in, c_out, 1))
            else:
                layers.append(nn.Conv2d(c_in, c_out, 4, 2, 1))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 2, 1))

    def forward(self, probabilities: Tensor) -> Tensor:
        height, width = probabilities.shape[2:]
        if min(height, width) < 32:
            raise InputError(
                f'FCDiscriminator got predictions of {height} x {width} '
                'pixels (height x width), but its five stride-2 convolutions '
                'need at least 32 each way: raise img_scale or the crop size.'
            )
        return self.layers(probabilities)
