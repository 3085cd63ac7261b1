"""Training on images that are pasted together (ClassMix, DACS)."""

import torch
from torch import Tensor

from mmseg_da.adaptation.augment import strong_augment
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.supervision import supervise
from mmseg_da.adaptation.terms.pseudo_label_term import PseudoLabelTerm
from mmseg_da.errors import InputError, check_choice
from mmseg_da.registry import MODELS


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
class ClassMixTerm(PseudoLabelTerm):
    """Trains on source classes that are pasted on other images.

    Half of the classes of each source image are cut out by its label and
    pasted on another image; the mixed image is jittered and blurred, and every
    head of the segmentor is supervised on it. The labels of the other pixels
    decide whether this is the method or a control:

    - ``onto='target'``, ``pseudo_labels='image'``: DACS ("Domain Adaptation
      via Cross-domain Mixed Sampling", WACV 2021). The rest has the teacher's
      labels, all weighted by the share of the image's pixels whose confidence
      reaches the threshold.
    - ``pseudo_labels='pixel'`` or ``'balanced'``: only pixels that the
      teacher is sure of have a label, as :class:`PseudoLabelTerm` says.
    - ``pseudo_labels='none'``: the target is context; the rest is ignored.
    - ``onto='source'``: the rest comes from the batch's previous source image,
      with its true label. No target image is used.

    This project's losses divide by the sum of the pixels' weights;
    MMSegmentation's CrossEntropyLoss divides by the number of pixels, as DACS
    does.

    Args:
        onto (str): 'target' or 'source'. Defaults to 'target'.
        pseudo_labels (str): 'none', 'image', 'pixel' or 'balanced'. Defaults
            to 'pixel'.
        color_jitter (float): Strength of the mixed image's colour jitter.
            Defaults to 0.25.
        blur (bool): Whether mixed images are blurred at random. Defaults to
            True.
        **kwargs: As for :class:`PseudoLabelTerm`.

    Raises:
        InputError: If an argument is out of range, there is no teacher for
            pseudo-labels, or source and target differ in size or number.
    """

    kinds = ('none', *PseudoLabelTerm.kinds)

    def __init__(
        self,
        onto: str = 'target',
        pseudo_labels: str = 'pixel',
        color_jitter: float = 0.25,
        blur: bool = True,
        **kwargs,
    ) -> None:
        if onto == 'source':
            pseudo_labels = 'none'
        super().__init__(pseudo_labels=pseudo_labels, **kwargs)
        check_choice(f'{self.key}.onto', onto, ('target', 'source'))
        self.onto = onto
        self.needs_teacher = self.pseudo_labels != 'none'
        self.color_jitter = color_jitter
        self.blur = blur

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
        generator = iteration.generator(self.key)
        images, labels = iteration.source['inputs'], iteration.source_labels
        others, other_labels, weights = self._others(iteration)
        pasted = choose_classes(labels, self.ignore_index, generator)
        mixed = torch.where(pasted[:, None], images, others)
        mixed = strong_augment(
            mixed,
            iteration.segmentor.data_preprocessor,
            self.color_jitter,
            self.blur,
            generator,
        )
        mixed_labels = torch.where(pasted, labels, other_labels)
        if weights is not None:
            weights = torch.where(pasted, 1.0, weights)
        return mixed, mixed_labels, weights

    def _others(
        self, iteration: Iteration
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Images to paste on, their labels, and the labels' weights."""
        labels = iteration.source_labels
        if self.onto == 'source':
            if len(labels) < 2:
                raise InputError(
                    f'{self.key} pastes a source image on another one, but '
                    'the batch has one image: set train_dataloader.batch_size '
                    'to 2 or more.'
                )
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
            return images, torch.full_like(labels, self.ignore_index), None
        return images, *self.label_target(iteration)
