"""Masked image consistency on the target (MIC, Hoyer et al., CVPR 2023)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_da.adaptation.augment import strong_augment
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.supervision import supervise
from mmseg_da.adaptation.terms.pseudo_label_term import PseudoLabelTerm
from mmseg_da.errors import wrong_value
from mmseg_da.registry import MODELS


def draw_block_mask(
    size: tuple[int, int, int],
    block_size: int,
    ratio: float,
    generator: torch.Generator,
) -> Tensor:
    """Draw which pixels stay: whole blocks, each hidden independently.

    Args:
        size (tuple[int, int, int]): Images, height and width.
        block_size (int): Side of a block in pixels.
        ratio (float): Probability that a block is hidden.
        generator (torch.Generator): On the CPU.

    Returns:
        Tensor: ``(N, 1, H, W)``, 1 where a pixel stays and 0 elsewhere.
    """
    count, height, width = size
    blocks = count, 1, -(-height // block_size), -(-width // block_size)
    stays = (torch.rand(blocks, generator=generator) >= ratio).float()
    mask = F.interpolate(stays, scale_factor=block_size, mode='nearest')
    return mask[..., :height, :width]


@MODELS.register_module()
class MaskedConsistencyTerm(PseudoLabelTerm):
    """Asks for the teacher's labels of target images that are partly hidden.

    "MIC: Masked Image Consistency for Context-Enhanced Domain Adaptation"
    (CVPR 2023), eq. 5 to 8: blocks of the jittered and blurred target image
    are set to the mean colour, and every head learns the teacher's labels of
    the whole image. With ``ratio=0`` nothing is hidden: the pass sees the
    target alone, whose statistics BatchNorm then has in training as in use.

    Args:
        block_size (int): Side of a block in pixels: 64 for crops of 1024
            pixels, 32 for 512. Defaults to 32.
        ratio (float): Probability that a block is hidden. Defaults to 0.7.
        color_jitter (float): Strength. Defaults to 0.2.
        pseudo_labels (str): As for :class:`PseudoLabelTerm`. Defaults to
            'image', MIC's.
        **kwargs: As for :class:`PseudoLabelTerm`.

    Raises:
        InputError: If an argument is out of range.
    """

    def __init__(
        self,
        block_size: int = 32,
        ratio: float = 0.7,
        color_jitter: float = 0.2,
        pseudo_labels: str = 'image',
        **kwargs,
    ) -> None:
        super().__init__(pseudo_labels=pseudo_labels, **kwargs)
        if block_size < 1:
            wanted = 'at least 1 pixel'
            raise wrong_value(f'{self.key}.block_size', block_size, wanted)
        if not 0 <= ratio <= 1:
            raise wrong_value(f'{self.key}.ratio', ratio, '0 to 1')
        self.block_size = block_size
        self.ratio = ratio
        self.color_jitter = color_jitter

    def losses(self, iteration: Iteration) -> dict[str, Tensor]:
        labels, weights = self.label_target(iteration)
        loss = supervise(iteration, self._hide(iteration), labels, weights)
        return dict(loss_masked=self.loss_weight * loss)

    def pictures(self, iteration: Iteration) -> dict[str, Tensor]:
        return {'masked image': self._hide(iteration)[0]}

    def _hide(self, iteration: Iteration) -> Tensor:
        """The iteration's target images, changed and partly hidden."""
        generator = iteration.generator(self.key)
        inputs = iteration.target['inputs']
        images = strong_augment(
            inputs,
            iteration.segmentor.data_preprocessor,
            self.color_jitter,
            blur=True,
            generator=generator,
        )
        size = len(inputs), *inputs.shape[2:]
        mask = draw_block_mask(size, self.block_size, self.ratio, generator)
        # 0 is the mean colour of normalised images.
        return images * mask.to(images)
