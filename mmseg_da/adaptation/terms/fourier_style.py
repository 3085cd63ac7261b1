"""The target's style for source images (FDA, Yang and Soatto, CVPR 2020)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_da.adaptation.augment import from_pixels, to_pixels
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.errors import wrong_value
from mmseg_da.registry import MODELS


def swap_low_frequencies(
    source: Tensor, target: Tensor, beta: float
) -> Tensor:
    """Give source images the target's amplitudes at low frequencies.

    Args:
        source (Tensor): ``(N, C, H, W)``.
        target (Tensor): Of the same shape.
        beta (float): Half of the swapped square's side, as a share of the
            shorter side of the images.

    Returns:
        Tensor: ``(N, C, H, W)``.
    """
    size = source.shape[2:]
    spectrum = torch.fft.rfft2(source)
    amplitude = spectrum.abs()
    other = torch.fft.rfft2(target).abs()
    radius = int(beta * min(size))
    rows = torch.arange(size[0], device=source.device)
    low = torch.minimum(rows, size[0] - rows) <= radius
    swapped = amplitude.clone()
    swapped[..., low, : radius + 1] = other[..., low, : radius + 1]
    styled = torch.polar(swapped, spectrum.angle())
    return torch.fft.irfft2(styled, s=size)


@MODELS.register_module()
class FourierStyleTerm(AdaptationTerm):
    """Trains on source images in the colours and lights of the target.

    "FDA: Fourier Domain Adaptation for Semantic Segmentation" (CVPR 2020),
    eq. 3: before the source's pass, the amplitudes of the lowest frequencies
    become those of the iteration's target images; labels stay. The term has no
    loss of its own, and with ``loss_weight=0`` it changes nothing.

    Args:
        beta (float): Half of the swapped square's side, as a share of the
            shorter side, in (0, 0.5). Defaults to 0.01, the smallest of the
            paper's.
        **kwargs: As for :class:`AdaptationTerm`.

    Raises:
        InputError: If ``beta`` is out of range.
    """

    def __init__(self, beta: float = 0.01, **kwargs) -> None:
        super().__init__(**kwargs)
        if not 0 < beta < 0.5:
            wanted = 'more than 0 and less than 0.5 of the shorter side'
            raise wrong_value(f'{self.key}.beta', beta, wanted)
        self.beta = beta

    def change_source(self, iteration: Iteration) -> Tensor | None:
        if self.loss_weight == 0:
            return None
        source = iteration.source['inputs']
        target = iteration.target['inputs']
        # Batches may differ in size and in number.
        target = target[torch.arange(len(source)) % len(target)]
        target = F.interpolate(target, source.shape[2:], mode='bilinear')
        preprocessor = iteration.segmentor.data_preprocessor
        styled = swap_low_frequencies(
            to_pixels(source, preprocessor),
            to_pixels(target, preprocessor),
            self.beta,
        )
        return from_pixels(styled.clamp(0, 255), preprocessor)

    def losses(self, iteration: Iteration) -> dict[str, Tensor]:
        return {}
