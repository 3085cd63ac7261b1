"""Training on images that are pasted together (ClassMix, DACS)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_da.adaptation.augment import strong_augment
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS

PSEUDO_LABELS = ('none', 'image', 'pixel')


def choose_classes(
    labels: Tensor, ignore_index: int, generator: torch.Generator
) -> Tensor:
    """Mark the pixels of half of each image's classes, rounded up.

    ClassMix (Olsson et al., WACV 2021), as DACS applies it to true labels.

    Args:
        labels (Tensor): ``(N, H, W)``.
        ignore_index (int): The label that is never chosen.
        generator (torch.Generator): On the CPU.

    Returns:
        Tensor: Boolean ``(N, H, W)``.
    """
    masks = []
    for label in labels:
        classes = label.unique()
        classes = classes[classes != ignore_index]
        order = torch.randperm(len(classes), generator=generator)
        chosen = order[: (len(classes) + 1) // 2].to(classes.device)
        masks.append(torch.isin(label, classes[chosen]))
    return torch.stack(masks)


@MODELS.register_module()
class ClassMixTerm(AdaptationTerm):
    """Trains on source classes that are pasted on other images.

    Half of the classes of each source image are cut out by its label and
    pasted on another image; the mixed image is jittered and blurred, and every
    head of the segmentor is supervised on it. What the rest of the image
    teaches is the choice between the method and its controls:

    - ``onto='target'``, ``pseudo_labels='image'``: DACS ("Domain Adaptation
      via Cross-domain Mixed Sampling", WACV 2021). The rest has the teacher's
      labels, all weighted by the share of the image's pixels whose confidence
      reaches the threshold.
    - ``pseudo_labels='pixel'``: only pixels whose confidence reaches the
      threshold have a label.
    - ``pseudo_labels='none'``: the target is context; the rest is ignored.
    - ``onto='source'``: the rest comes from the batch's next source image,
      with its true label. No target image is used.

    The loss is a mean over the weights of the pixels that count, where the
    segmentor's losses average so (those of this project do).

    Args:
        onto (str): 'target' or 'source'. Defaults to 'target'.
        pseudo_labels (str): 'none', 'image' or 'pixel'. Defaults to 'pixel'.
        threshold (float): Confidence that counts, in [0, 1]. Defaults to
            0.968, DACS's.
        color_jitter (float): Strength of the mixed image's colour jitter.
            Defaults to 0.25.
        blur (bool): Whether mixed images are blurred at random. Defaults to
            True.
        loss_weight (float): Defaults to 1.

    Raises:
        InputError: If an argument is out of range, there is no teacher for
            pseudo-labels, or source and target differ in size or number.
    """

    def __init__(
        self,
        onto: str = 'target',
        pseudo_labels: str = 'pixel',
        threshold: float = 0.968,
        color_jitter: float = 0.25,
        blur: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        for name, value, known in (
            ('onto', onto, ('target', 'source')),
            ('pseudo_labels', pseudo_labels, PSEUDO_LABELS),
        ):
            if value not in known:
                raise InputError(
                    f'{self.key}.{name} is {value!r}: set it to one of '
                    f'{known}.'
                )
        if not 0 <= threshold <= 1:
            raise InputError(
                f'{self.key}.threshold is {threshold}, expected a '
                'probability, 0 to 1.'
            )
        self.onto = onto
        self.pseudo_labels = pseudo_labels if onto == 'target' else 'none'
        self.needs_teacher = self.pseudo_labels != 'none'
        self.threshold = threshold
        self.color_jitter = color_jitter
        self.blur = blur
        self.confident_share: Tensor | None = None

    def losses(self, iteration: Iteration) -> dict[str, Tensor]:
        segmentor = iteration.segmentor
        ignore_index = segmentor.decode_head.ignore_index
        generator = iteration.generator(self.key)
        images, labels = iteration.source['inputs'], iteration.source_labels
        others, other_labels, weights = self._others(iteration, ignore_index)
        pasted = choose_classes(labels, ignore_index, generator)
        mixed = torch.where(pasted[:, None], images, others)
        mixed = strong_augment(
            mixed,
            segmentor.data_preprocessor,
            self.color_jitter,
            self.blur,
            generator,
        )
        mixed_labels = torch.where(pasted, labels, other_labels)
        if weights is not None:
            weights = torch.where(pasted, 1.0, weights)
        losses = supervise(iteration, mixed, mixed_labels, weights)
        total = sum(loss for name, loss in losses.items() if 'loss' in name)
        return dict(loss_mix=self.loss_weight * total)

    def _others(
        self, iteration: Iteration, ignore_index: int
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Images to paste on, their labels, and the labels' weights."""
        labels = iteration.source_labels
        if self.onto == 'source':
            images = iteration.source['inputs'].roll(1, dims=0)
            return images, labels.roll(1, dims=0), None
        source, images = iteration.source['inputs'], iteration.target['inputs']
        if source.shape != images.shape:
            raise InputError(
                f'{self.key} mixes source batches {tuple(source.shape)} with '
                f'target batches {tuple(images.shape)} (images, channels, '
                'height, width): crop both to one size and give both loaders '
                'one batch_size.'
            )
        if self.pseudo_labels == 'none':
            return images, torch.full_like(labels, ignore_index), None
        confidence, pseudo = iteration.pseudo_labels
        confident = confidence >= self.threshold
        self.confident_share = confident.float().mean()
        if self.pseudo_labels == 'pixel':
            ignored = torch.full_like(pseudo, ignore_index)
            return images, torch.where(confident, pseudo, ignored), None
        share = confident.float().mean(dim=(1, 2), keepdim=True)
        return images, pseudo, share.expand(pseudo.shape)

    def after_iteration(self, iteration: Iteration, runner: Runner) -> None:
        if self.confident_share is not None:
            runner.message_hub.update_scalar(
                'train/confident_share', self.confident_share
            )


def supervise(
    iteration: Iteration,
    inputs: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
) -> dict[str, Tensor]:
    """The segmentor's losses on further images, of every head.

    Args:
        iteration (Iteration): The iteration.
        inputs (Tensor): Preprocessed images ``(N, 3, H, W)``.
        labels (Tensor): ``(N, H, W)``.
        weights (Tensor, optional): Of each pixel ``(N, H, W)``.

    Returns:
        dict[str, Tensor]: As ``segmentor.loss`` returns them.

    Raises:
        InputError: If a head trains on edge maps, which no mixed label has,
            or does not ask its sampler for weights.
    """
    samples = [
        SegDataSample(
            metainfo=sample.metainfo,
            gt_sem_seg=PixelData(data=label[None]),
        )
        for sample, label in zip(iteration.source['data_samples'], labels)
    ]
    iteration.start_another_pass()
    with pixel_weights(iteration.segmentor, weights):
        try:
            return iteration.segmentor.loss(inputs, samples)
        except AttributeError as error:
            if 'gt_edge_map' not in str(error):
                raise
            raise InputError(
                'The segmentor trains on edge maps, which labels of mixed '
                'images do not have: use a decode head without them.'
            ) from error


class _PixelWeights:
    """Hands weights to a stock head, which asks its sampler for them."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights
        self.asked = False

    def sample(self, seg_logit: Tensor, seg_label: Tensor) -> Tensor:
        self.asked = True
        return self.weights


@contextmanager
def pixel_weights(
    segmentor: nn.Module, weights: Tensor | None
) -> Iterator[None]:
    """Weight each pixel's loss in every head, within the block."""
    if weights is None:
        yield
        return
    heads = [m for m in segmentor.modules() if hasattr(m, 'loss_by_feat')]
    before = [head.sampler for head in heads]
    samplers = [_PixelWeights(weights) for _ in heads]
    for head, sampler in zip(heads, samplers):
        head.sampler = sampler
    try:
        yield
    finally:
        for head, sampler in zip(heads, before):
            head.sampler = sampler
    for head, sampler in zip(heads, samplers):
        if not sampler.asked:
            raise InputError(
                f'{type(head).__name__} computes its loss without asking its '
                "sampler for weights of pixels: set pseudo_labels='pixel', "
                'which needs none.'
            )
