"""How well a discriminator tells source from target, as a loss."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SOURCE, TARGET = 1.0, 0.0


class Gan(NamedTuple):
    """A form of the adversarial loss."""

    loss: Callable[[Tensor, Tensor], Tensor]
    #: Output above which a position is taken for source.
    boundary: float
    #: The discriminator's loss when it knows nothing.
    chance: float
    chance_in_words: str


GANS = dict(
    vanilla=Gan(
        F.binary_cross_entropy_with_logits,
        0.0,
        math.log(2),
        'log 2 = 0.6931',
    ),
    # "Least Squares Generative Adversarial Networks", ICCV 2017, eq. 9.
    lsgan=Gan(F.mse_loss, 0.5, 0.25, '0.25'),
)


def domain_loss(output: Tensor, domain: float, gan: str = 'vanilla') -> Tensor:
    """Loss of a discriminator's output against one domain label.

    Args:
        output (Tensor): Discriminator output, any shape: domain logits, or
            with 'lsgan' estimates of the label.
        domain (float): 1 for source, 0 for target.
        gan (str): A key of :data:`GANS`. Defaults to 'vanilla'.

    Returns:
        Tensor: Scalar, the mean over all positions.
    """
    return GANS[gan].loss(output, torch.full_like(output, domain))


class DiscriminatorLoss(nn.Module):
    """Loss and accuracies of a discriminator on one batch of each domain.

    DistributedDataParallel wraps this module and sees one forward for each
    backward.

    Args:
        discriminator (nn.Module): What it sees of a prediction to its output.
        gan (str): A key of :data:`GANS`. Defaults to 'vanilla'.
    """

    def __init__(self, discriminator: nn.Module, gan: str = 'vanilla') -> None:
        super().__init__()
        self.discriminator = discriminator
        self.gan = gan

    def forward(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Compute L_D of Tsai et al., CVPR 2018, eq. 1, halved per domain.

        Args:
            source (Tensor): Class probabilities, or their self-information,
                ``(N, C, H, W)``.
            target (Tensor): The discriminator's output on the target
                ``(M, 1, H', W')``, with a graph to its parameters.

        Returns:
            dict[str, Tensor]: ``loss`` and the share of positions told right
            in each domain, ``acc_source`` and ``acc_target``, in [0, 1].
        """
        source = self.discriminator(source)
        loss = domain_loss(source, SOURCE, self.gan) + domain_loss(
            target, TARGET, self.gan
        )
        boundary = GANS[self.gan].boundary
        return dict(
            loss=loss / 2,
            acc_source=(source > boundary).float().mean(),
            acc_target=(target < boundary).float().mean(),
        )
