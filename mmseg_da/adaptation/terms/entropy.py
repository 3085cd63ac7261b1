"""Entropy minimisation on the target (ADVENT, Vu et al., CVPR 2019)."""

import math

import torch
from torch import Tensor

from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.registry import MODELS


def normalised_entropy(logits: Tensor) -> Tensor:
    """Shannon entropy of each pixel's class distribution over log C.

    Eq. 2 of "ADVENT: Adversarial Entropy Minimization for Domain Adaptation
    in Semantic Segmentation" (CVPR 2019). Computed in float32, and finite
    with finite gradients where a probability underflows to 0.

    Args:
        logits (Tensor): Class scores ``(N, C, H, W)``.

    Returns:
        Tensor: ``(N, H, W)`` in [0, 1]; 1 where all classes are equally
        likely.
    """
    log_probabilities = logits.float().log_softmax(dim=1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=1)
    return entropy / math.log(logits.shape[1])


def self_information(probabilities: Tensor) -> Tensor:
    """Weighted self-information ``-p log p / log C``: ADVENT, section 3.2.

    Args:
        probabilities (Tensor): ``(N, C, H, W)`` in float32.

    Returns:
        Tensor: ``(N, C, H, W)``; its sum over the classes is the normalised
        entropy. As in ADVENT's code, ``1e-30`` keeps the logarithm finite.
    """
    information = -probabilities * torch.log2(probabilities + 1e-30)
    return information / math.log2(probabilities.shape[1])


@MODELS.register_module()
class EntropyTerm(AdaptationTerm):
    """Makes the segmentor sure of its predictions on the target.

    ``loss_entropy = loss_weight * mean(entropy / log C)`` over all pixels of
    the target batch: L_ent of ADVENT, eq. 3, averaged instead of summed.

    Args:
        loss_weight (float): lambda_ent. Defaults to 1e-3, ADVENT's.

    Example:
        >>> terms = dict(entropy=dict(type='mmseg_da.EntropyTerm'))
    """

    def __init__(self, loss_weight: float = 1e-3, **kwargs) -> None:
        super().__init__(loss_weight=loss_weight, **kwargs)

    def losses(self, iteration: Iteration) -> dict[str, Tensor]:
        entropy = normalised_entropy(iteration.target_logits)
        return dict(loss_entropy=self.loss_weight * entropy.mean())
