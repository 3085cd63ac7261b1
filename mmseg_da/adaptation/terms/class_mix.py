"""Training on images that are pasted together (ClassMix, DACS)."""

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from mmseg_da.adaptation.augment import strong_augment
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.outputs import predicting_head
from mmseg_da.adaptation.pseudo_labels import ClassThresholds, inner_rows
from mmseg_da.adaptation.supervision import supervise
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.adaptation.terms.entropy import self_information
from mmseg_da.errors import InputError
from mmseg_da.registry import MODELS

# Share of the predicted pixels above which one class has taken over.
COLLAPSED_ABOVE = 0.95
PSEUDO_LABELS = ('none', 'image', 'pixel', 'balanced')


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
    head of the segmentor is supervised on it. The labels of the other pixels
    decide whether this is the method or a control:

    - ``onto='target'``, ``pseudo_labels='image'``: DACS ("Domain Adaptation
      via Cross-domain Mixed Sampling", WACV 2021). The rest has the teacher's
      labels, all weighted by the share of the image's pixels whose confidence
      reaches the threshold.
    - ``pseudo_labels='pixel'``: only pixels whose confidence reaches the
      threshold have a label.
    - ``pseudo_labels='balanced'``: of each class that is predicted, the share
      of pixels whose confidence is highest has a label, as in CBST (Zou et
      al., ECCV 2018), with moving averages of the classes' thresholds.
    - ``pseudo_labels='none'``: the target is context; the rest is ignored.
    - ``onto='source'``: the rest comes from the batch's previous source image,
      with its true label. No target image is used.

    With pseudo-labels the log tells, from unlabelled images alone, the
    ``confident_share`` of the target's pixels, the ``target_entropy`` of the
    teacher's prediction (over log C, of every fourth row and column), its
    ``largest_class_share``, by which :meth:`diagnose` finds a collapse, and,
    where another term asks for the segmentor's probabilities on the target,
    the ``teacher_agreement`` with them.

    This project's losses divide by the sum of the pixels' weights;
    MMSegmentation's CrossEntropyLoss divides by the number of pixels, as DACS
    does.

    Args:
        onto (str): 'target' or 'source'. Defaults to 'target'.
        pseudo_labels (str): 'none', 'image', 'pixel' or 'balanced'. Defaults
            to 'pixel'.
        threshold (float): Confidence that counts, in [0, 1]. Defaults to
            0.968, DACS's.
        share (float): Share of each class's pixels that counts with
            'balanced', in (0, 1]. Defaults to 0.5.
        ignore_margins (tuple[float, float]): Shares of the target image's
            height at its top and its bottom where pseudo-labels never count,
            such as the car's hood. Sensible where crops are as high as the
            image; DAFormer leaves out 15 and 120 of 512 rows. Defaults to
            (0, 0).
        color_jitter (float): Strength of the mixed image's colour jitter.
            Defaults to 0.25.
        blur (bool): Whether mixed images are blurred at random. Defaults to
            True.
        loss_weight (float): Defaults to 1.

    Raises:
        InputError: If an argument is out of range, there is no teacher for
            pseudo-labels, or source and target differ in size or number.
    """

    watched = ('largest_class_share',)

    def __init__(
        self,
        onto: str = 'target',
        pseudo_labels: str = 'pixel',
        threshold: float = 0.968,
        share: float = 0.5,
        ignore_margins: tuple[float, float] = (0.0, 0.0),
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
        if not 0 < share <= 1:
            raise InputError(
                f'{self.key}.share is {share}, expected the share of each '
                "class's pixels, more than 0 and at most 1."
            )
        _check_margins(f'{self.key}.ignore_margins', ignore_margins)
        self.onto = onto
        self.pseudo_labels = pseudo_labels if onto == 'target' else 'none'
        self.needs_teacher = self.pseudo_labels != 'none'
        if self.pseudo_labels == 'balanced':
            self.state_name = 'balance of classes'
        self.threshold = threshold
        self.share = share
        self.ignore_margins = ignore_margins
        self.color_jitter = color_jitter
        self.blur = blur
        self._numbers: dict[str, Tensor] = {}
        # The iteration whose predictions the thresholds have followed.
        self._followed: int | None = None

    def build(self, runner: Runner, segmentor: nn.Module) -> None:
        if self.pseudo_labels == 'balanced':
            device = next(segmentor.parameters()).device
            self.class_thresholds = ClassThresholds(
                segmentor.num_classes, self.share, device
            )

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
        ignore_index = predicting_head(segmentor).ignore_index
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
            return images, torch.full_like(labels, ignore_index), None
        confidence, predicted = iteration.pseudo_labels
        inner = inner_rows(labels.shape[1], self.ignore_margins)
        ignored = torch.full_like(predicted, ignore_index)
        pseudo = ignored.clone()
        pseudo[:, inner] = predicted[:, inner]
        confident = confidence >= self._threshold_of(iteration, inner)
        coarse = iteration.teacher_probabilities[..., ::4, ::4]
        self._numbers = dict(
            confident_share=confident.float().mean(),
            target_entropy=self_information(coarse).sum(dim=1).mean(),
            largest_class_share=(
                predicted.flatten().bincount().max() / predicted.numel()
            ),
        )
        if self.pseudo_labels != 'image':
            return images, torch.where(confident, pseudo, ignored), None
        share = confident.float().mean(dim=(1, 2), keepdim=True)
        return images, pseudo, share.expand(pseudo.shape)

    def _threshold_of(
        self, iteration: Iteration, inner: slice
    ) -> float | Tensor:
        """What a pixel's confidence has to reach, the same all iteration."""
        if self.pseudo_labels != 'balanced':
            return self.threshold
        confidence, predicted = iteration.pseudo_labels
        if self._followed != iteration.number:
            self._followed = iteration.number
            self.class_thresholds.update(
                confidence[:, inner], predicted[:, inner]
            )
        return self.class_thresholds.values[predicted]

    def after_iteration(self, iteration: Iteration, runner: Runner) -> None:
        if self._numbers and iteration.has('target_probabilities'):
            own = iteration.target_probabilities.argmax(dim=1)
            agreement = (own == iteration.pseudo_labels[1]).float().mean()
            self._numbers['teacher_agreement'] = agreement
        for name, value in self._numbers.items():
            runner.message_hub.update_scalar(f'train/{name}', value)

    def diagnose(
        self, means: dict[str, float], period: str
    ) -> tuple[str, str] | None:
        share = means['largest_class_share']
        if share <= COLLAPSED_ABOVE:
            return None
        return (
            'Self-training has collapsed (one class takes '
            f"{share:.1%} of the teacher's prediction over {period})",
            f'start from a trained checkpoint with load_from, lower {self.key}'
            ".loss_weight, or set its pseudo_labels to 'balanced'",
        )

    def state_dict(self) -> dict:
        return dict(thresholds=self.class_thresholds.values.cpu())

    def load_state_dict(self, state: dict, iteration: int) -> None:
        values = self.class_thresholds.values
        self.class_thresholds.values = state['thresholds'].to(values)


def _check_margins(key: str, margins: tuple[float, float]) -> None:
    pair = isinstance(margins, (tuple, list)) and len(margins) == 2
    if not pair or not all(0 <= share < 1 for share in margins):
        raise InputError(
            f'{key} is {margins!r}, expected shares of the height at the top '
            'and at the bottom, such as (0.03, 0.23).'
        )
    if sum(margins) >= 1:
        raise InputError(
            f'{key} {tuple(margins)} is wider than the image: give shares of '
            'the height that add up to less than 1.'
        )
