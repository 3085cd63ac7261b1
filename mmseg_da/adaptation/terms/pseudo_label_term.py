"""Base of the terms that train on a teacher's labels of the target."""

import torch
from mmengine.runner import Runner
from mmseg.models.losses import (
    DiceLoss,
    LovaszLoss,
    OhemCrossEntropy,
    TverskyLoss,
)
from torch import Tensor, nn

from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.outputs import losses_of_head, predicting_head
from mmseg_da.adaptation.pseudo_labels import ClassThresholds
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.adaptation.terms.entropy import self_information
from mmseg_da.errors import InputError, check_choice, wrong_value

# These drop the weights of pixels, or fail on them.
WEIGHTLESS = DiceLoss, LovaszLoss, OhemCrossEntropy, TverskyLoss
# Share of the predicted pixels above which one class has taken over.
COLLAPSED_ABOVE = 0.95


class PseudoLabelTerm(AdaptationTerm):
    """Labels the target's pixels by the teacher, as far as it is sure.

    - ``pseudo_labels='image'``: every pixel has a label, weighted by the share
      of the image's pixels whose confidence reaches the threshold, as in DACS.
    - ``pseudo_labels='pixel'``: only pixels whose confidence reaches the
      threshold have a label.
    - ``pseudo_labels='balanced'``: of each class that is predicted, the share
      of pixels whose confidence is highest has a label, as in CBST (Zou et
      al., ECCV 2018), with moving averages of the classes' thresholds.

    The log tells, from unlabelled images alone, the ``confident_share`` of
    the target's pixels, the ``target_entropy`` of the teacher's prediction
    (over log C, of every fourth row and column), its
    ``largest_class_share``, by which :meth:`diagnose` finds a collapse, and,
    where another term asks for the segmentor's probabilities on the target,
    the ``teacher_agreement`` with them. The term's name follows each of these,
    as in ``confident_share_masked``.

    Args:
        pseudo_labels (str): 'image', 'pixel' or 'balanced'. Defaults to
            'pixel'.
        threshold (float): Confidence that counts, in [0, 1]. Defaults to
            0.968, DACS's.
        share (float): Share of each class's pixels that counts with
            'balanced', in (0, 1]. Defaults to 0.5.
        ignore_margins (tuple[float, float]): Shares of the target image's
            height at its top and its bottom where pseudo-labels never count,
            such as the car's hood. Sensible where crops are as high as the
            image; DAFormer leaves out 15 and 120 of 512 rows. Defaults to
            (0, 0).
        **kwargs: As for :class:`AdaptationTerm`.

    Raises:
        InputError: If an argument is out of range.
    """

    kinds = ('image', 'pixel', 'balanced')
    needs_teacher = True

    def __init__(
        self,
        pseudo_labels: str = 'pixel',
        threshold: float = 0.968,
        share: float = 0.5,
        ignore_margins: tuple[float, float] = (0.0, 0.0),
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(f'{self.key}.pseudo_labels', pseudo_labels, self.kinds)
        if not 0 <= threshold <= 1:
            wanted = 'a probability, 0 to 1'
            raise wrong_value(f'{self.key}.threshold', threshold, wanted)
        if not 0 < share <= 1:
            wanted = "a share of each class's pixels, above 0 and at most 1"
            raise wrong_value(f'{self.key}.share', share, wanted)
        margins = ignore_margins
        pair = isinstance(margins, (tuple, list)) and len(margins) == 2
        if not pair or not all(0 <= share < 1 for share in margins):
            wanted = (
                'shares of the height at the top and at the bottom, such as '
                '(0.03, 0.23)'
            )
            raise wrong_value(f'{self.key}.ignore_margins', margins, wanted)
        if sum(margins) >= 1:
            raise InputError(
                f'{self.key}.ignore_margins {tuple(margins)} is wider than '
                'the image: give shares of the height that add up to less '
                'than 1.'
            )
        self.pseudo_labels = pseudo_labels
        if pseudo_labels == 'balanced':
            self.state_name = 'balance of classes'
        self.threshold = threshold
        self.share = share
        self.ignore_margins = margins
        self._suffix = '_' + self.key.rsplit('.')[-1]
        self._numbers: dict[str, Tensor] = {}
        # The iteration whose predictions the thresholds have followed.
        self._followed: int | None = None

    @property
    def watched(self) -> tuple[str, ...]:
        """The share by which a collapse is found, if a teacher is asked."""
        name = f'largest_class_share{self._suffix}'
        return (name,) if self.needs_teacher else ()

    def build(self, runner: Runner, segmentor: nn.Module) -> None:
        # The label of pixels that do not count.
        self.ignore_index = predicting_head(segmentor).ignore_index
        heads = [m for m in segmentor.modules() if hasattr(m, 'loss_by_feat')]
        for loss in (x for head in heads for x in losses_of_head(head)):
            if self.pseudo_labels == 'image' and isinstance(loss, WEIGHTLESS):
                raise InputError(
                    f"{self.key}.pseudo_labels is 'image', which weighs "
                    f"pixels, but MMSegmentation's {type(loss).__name__} "
                    "takes no weights of pixels: set pseudo_labels='pixel', "
                    'or another loss_decode.'
                )
        if self.pseudo_labels == 'balanced':
            device = next(segmentor.parameters()).device
            self.class_thresholds = ClassThresholds(
                segmentor.num_classes, self.share, device
            )

    def label_target(
        self, iteration: Iteration
    ) -> tuple[Tensor, Tensor | None]:
        """Label the iteration's target images.

        Returns:
            tuple[Tensor, Tensor | None]: Labels and, with 'image', their
            weights, ``(M, H, W)`` each.
        """
        confidence, predicted = iteration.pseudo_labels
        height = predicted.shape[1]
        top, bottom = (round(share * height) for share in self.ignore_margins)
        inner = slice(top, height - bottom)
        ignored = torch.full_like(predicted, self.ignore_index)
        pseudo = ignored.clone()
        pseudo[:, inner] = predicted[:, inner]
        threshold: float | Tensor = self.threshold
        if self.pseudo_labels == 'balanced':
            # Once an iteration: its pictures ask again.
            if self._followed != iteration.number:
                self._followed = iteration.number
                self.class_thresholds.update(
                    confidence[:, inner], predicted[:, inner]
                )
            threshold = self.class_thresholds.values[predicted]
        confident = confidence >= threshold
        coarse = iteration.teacher_probabilities[..., ::4, ::4]
        self._numbers = dict(
            confident_share=confident.float().mean(),
            target_entropy=self_information(coarse).sum(dim=1).mean(),
            largest_class_share=(
                predicted.flatten().bincount().max() / predicted.numel()
            ),
        )
        if self.pseudo_labels != 'image':
            return torch.where(confident, pseudo, ignored), None
        share = confident.float().mean(dim=(1, 2), keepdim=True)
        return pseudo, share.expand(pseudo.shape)

    def after_iteration(self, iteration: Iteration, runner: Runner) -> None:
        if self._numbers and iteration.has('target_probabilities'):
            own = iteration.target_probabilities.argmax(dim=1)
            agreement = (own == iteration.pseudo_labels[1]).float().mean()
            self._numbers['teacher_agreement'] = agreement
        for name, value in self._numbers.items():
            key = f'train/{name}{self._suffix}'
            runner.message_hub.update_scalar(key, value)

    def diagnose(
        self, means: dict[str, float], period: str
    ) -> tuple[str, str] | None:
        (share,) = means.values()
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
