"""Training on images that are pasted together (ClassMix, DACS)."""

from __future__ import annotations

import torch
from mmengine.runner import Runner
from torch import Tensor

from mmseg_da.adaptation.augment import strong_augment
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.supervision import supervise
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
        loss = supervise(iteration, *self._mix(iteration))
        return dict(loss_mix=self.loss_weight * loss)

    def pictures(self, iteration: Iteration) -> dict[str, Tensor]:
        images, labels, weights = self._mix(iteration)
        shown = {'mixed image': images[0], 'mixed label': labels[0]}
        if weights is not None:
            shown['weight of the mixed label'] = weights[0]
        return shown

    def _mix(
        self, iteration: Iteration
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The iteration's mixed images, their labels and pixel weights."""
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
        return mixed, mixed_labels, weights

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
