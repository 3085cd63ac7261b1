"""Predictions that another network can learn from."""

from collections.abc import Iterable

import numpy as np
import torch
from mmseg.apis import inference_model
from mmseg.models import BaseSegmentor
from torch import Tensor

from mmseg_da.adaptation.pseudo_labels import balanced_thresholds
from mmseg_da.errors import InputError

# Pixels of an image that decide on the thresholds, evenly spaced.
PIXELS = 2**15
IGNORED = 255


def predict_confidence(
    model: BaseSegmentor, image: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Predict the class of each pixel, and how sure the model is of it.

    Args:
        model (BaseSegmentor): From :func:`mmseg_da.apis.init_model`, any
            segmentor with a channel for each class.
        image (np.ndarray): ``(H, W, 3)`` in BGR of uint8.

    Returns:
        tuple[Tensor, Tensor]: Probability of the predicted class, float32,
        and its index, both ``(H, W)`` at the image's own size.

    Raises:
        InputError: If the model predicts two classes in one channel.
    """
    if getattr(model, 'out_channels', None) == 1:
        raise InputError(
            'The decode head predicts two classes in one channel '
            '(out_channels=1), but pseudo-labels need the probability of '
            'each class: give a model without out_channels.'
        )
    logits = inference_model(model, image).seg_logits.data
    return tuple(logits.float().softmax(dim=0).max(dim=0))


def class_thresholds(
    model: BaseSegmentor, images: Iterable[np.ndarray], share: float
) -> Tensor:
    """The confidence that a share of each class's pixels reaches (CBST).

    Args:
        model (BaseSegmentor): See :func:`predict_confidence`.
        images (Iterable[np.ndarray]): Unlabelled images.
        share (float): In (0, 1].

    Returns:
        Tensor: ``(C,)``, NaN for classes that are predicted nowhere.
    """
    found = []
    for image in images:
        confidence, labels = predict_confidence(model, image)
        step = max(1, confidence.numel() // PIXELS)
        pair = (x.flatten()[::step].cpu() for x in (confidence, labels))
        found.append(tuple(pair))
    confidence, labels = (torch.cat(parts) for parts in zip(*found))
    return balanced_thresholds(confidence, labels, model.num_classes, share)


def pseudo_label(
    model: BaseSegmentor, image: np.ndarray, threshold: float | Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Label the pixels of an image that a model is sure of.

    Args:
        model (BaseSegmentor): See :func:`predict_confidence`.
        image (np.ndarray): ``(H, W, 3)`` in BGR of uint8.
        threshold (float | Tensor): The least confidence of a label, one for
            all classes or one for each ``(C,)``.

    Returns:
        tuple[np.ndarray, np.ndarray]: Classes, 255 where the model is not
        sure, and confidence in 0..255, both ``(H, W)`` of uint8.

    Example:
        >>> model = init_model('configs/da/bisenet_adv_gta2cs.py', 'best.pth')
        >>> ids, confidence = pseudo_label(model, cv2.imread('a.png'), 0.968)
    """
    confidence, labels = predict_confidence(model, image)
    if isinstance(threshold, Tensor):
        threshold = threshold.to(confidence)[labels]
    # Not `confidence < threshold`: a threshold of NaN lets nothing count.
    labels = labels.masked_fill(~(confidence >= threshold), IGNORED)
    levels = (confidence * 255).round()
    return tuple(x.to(torch.uint8).cpu().numpy() for x in (labels, levels))
