"""Output-space adversarial adaptation (Tsai et al., CVPR 2018)."""

from mmengine.dist import is_distributed
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import weights_to_cpu
from mmengine.utils import apply_to
from torch import Tensor, nn

from mmseg_da.adaptation.domain_loss import (
    GANS,
    SOURCE,
    DiscriminatorLoss,
    domain_loss,
)
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.outputs import auxiliary_heads, evaluation_mode
from mmseg_da.adaptation.shared_pass import passes_agree, share_pass
from mmseg_da.adaptation.terms.base import AdaptationTerm
from mmseg_da.adaptation.terms.entropy import self_information
from mmseg_da.errors import InputError, check_choice
from mmseg_da.registry import MODELS, PARAM_SCHEDULERS
from mmseg_da.utils.resumed_schedule import adopt_config_schedule

INPUTS = ('probabilities', 'self_information')


@MODELS.register_module()
class AdversarialTerm(AdaptationTerm):
    """Makes predictions on the target look like predictions on the source.

    ``loss_adv = loss_weight * -log D(P_target)``: single-level output-space
    adaptation ("Learning to Adapt Structured Output Space for Semantic
    Segmentation", CVPR 2018, eq. 4; "Real-time Domain Adaptation in Semantic
    Segmentation", section 3.2). After the iteration the discriminator D
    learns to tell the two domains apart.

    Args:
        discriminator (dict): Config of the discriminator. It maps class
            probabilities to domain logits, positive for source.
        optim_wrapper (dict): Config with the discriminator's ``optimizer``.
            The wrapper's type and accumulation default to the segmentor's.
        param_scheduler (dict | list[dict], optional): The discriminator's
            schedulers, stepped every iteration. Defaults to None.
        loss_weight (float): lambda_adv. Defaults to 1e-3.
        gan (str): 'vanilla', the paper's binary cross entropy, or 'lsgan',
            least squares (Mao et al., ICCV 2017), with which AdaptSegNet
            takes a lambda_adv of 0.01. Defaults to 'vanilla'.
        input (str): What the discriminator sees of a prediction: its
            'probabilities', or their 'self_information', as in ADVENT (Vu et
            al., CVPR 2019). Defaults to 'probabilities'.
        auxiliary_head (int, optional): Index of the auxiliary head that is
            adapted instead of the main head. Two terms, one of each, are the
            paper's multi-level adaptation. Defaults to None: the main head.
        won_below (float): Mean loss of D below which it has won. Defaults to
            0.05: right nearly everywhere, and sure of it.
        collapsed_within (float): Distance of D's mean loss to log 2 (0.25
            for 'lsgan') up to which it knows nothing, if the accuracies on
            the two domains also add up to no more than 1 plus 10 times that,
            where a coin's add up to 1. Defaults to 0.005; the demo's loss is
            at 0.688 after 10 iterations and at 0.562 after 30.

    Raises:
        InputError: If the segmentor and the discriminator do not fit.
    """

    state_name = 'discriminator'
    needs_source_logits = True
    # Of the names that are logged.
    _suffix = ''
    watched = (
        'loss_discriminator',
        'acc_source_discriminator',
        'acc_target_discriminator',
    )

    def __init__(
        self,
        discriminator: dict,
        optim_wrapper: dict,
        param_scheduler: dict | list | None = None,
        loss_weight: float = 1e-3,
        gan: str = 'vanilla',
        input: str = 'probabilities',
        auxiliary_head: int | None = None,
        won_below: float = 0.05,
        collapsed_within: float = 0.005,
        **kwargs,
    ) -> None:
        super().__init__(loss_weight=loss_weight, **kwargs)
        check_choice(f'{self.key}.gan', gan, tuple(GANS))
        check_choice(f'{self.key}.input', input, INPUTS)
        self.gan = gan
        self.input = input
        self.auxiliary_head = auxiliary_head
        if auxiliary_head is not None:
            self._suffix = f'_auxiliary{auxiliary_head}'
            self.watched = tuple(name + self._suffix for name in self.watched)
        self.discriminator_cfg = discriminator
        self.optim_wrapper_cfg = optim_wrapper
        self.param_scheduler_cfg = param_scheduler or []
        self.won_below = won_below
        self.collapsed_within = collapsed_within

    def build(self, runner: Runner, segmentor: nn.Module) -> None:
        heads = auxiliary_heads(segmentor)
        if self.auxiliary_head not in (None, *range(len(heads))):
            raise InputError(
                f'{self.key}.auxiliary_head is {self.auxiliary_head}, but the '
                f'segmentor has {len(heads)} auxiliary head(s): give an index '
                'from 0, or leave it out for the main head.'
            )
        self.discriminator = MODELS.build(self.discriminator_cfg)
        expected = getattr(self.discriminator, 'in_channels', None)
        if expected not in (None, segmentor.out_channels):
            raise InputError(
                f'{self.key}.discriminator.in_channels is {expected}, but '
                f'the segmentor predicts {segmentor.out_channels} classes: '
                'set both to one number.'
            )
        self.discriminator.init_weights()
        device = next(segmentor.parameters()).device
        self.discriminator.to(device).train()
        self.discriminator_loss = DiscriminatorLoss(
            self.discriminator, self.gan
        )
        if is_distributed():
            self.discriminator_loss = MMDistributedDataParallel(
                self.discriminator_loss,
                device_ids=[device.index] if device.type == 'cuda' else None,
                broadcast_buffers=False,
            )
        self.optim_wrapper: OptimWrapper = build_optim_wrapper(
            self.discriminator, self._complete_wrapper(runner)
        )
        schedulers = self.param_scheduler_cfg
        if isinstance(schedulers, dict):
            schedulers = [schedulers]
        defaults = dict(
            optimizer=self.optim_wrapper, by_epoch=False, end=runner.max_iters
        )
        self.param_schedulers = [
            PARAM_SCHEDULERS.build(scheduler, default_args=defaults)
            for scheduler in schedulers
        ]
        self.optim_wrapper.initialize_count_status(
            self.discriminator, runner.iter, runner.max_iters
        )
        # The target's pass is the segmentor's, in its precision.
        same_precision = all(
            getattr(self.optim_wrapper, name, None)
            == getattr(runner.optim_wrapper, name, None)
            for name in ('__class__', 'cast_dtype')
        )
        self._shares_pass = same_precision and passes_agree(self.discriminator)

    def _complete_wrapper(self, runner: Runner) -> dict:
        """The optimizer wrapper's config, with what the segmentor's sets."""
        own = self.optim_wrapper_cfg
        segmentor = runner.cfg.get('optim_wrapper') or {}
        keys, kind = ['accumulative_counts'], segmentor.get('type')
        if own.get('type', kind) == kind:
            # Arguments of that type alone.
            keys += ['loss_scale', 'dtype']
        shared = {key: segmentor[key] for key in keys if key in segmentor}
        return dict(shared, type=type(runner.optim_wrapper)) | own

    def losses(self, iteration: Iteration) -> dict[str, Tensor]:
        seen = self._seen(
            iteration.target_probabilities_of(self.auxiliary_head)
        )
        # For what comes after the segmentor's update, perhaps in another
        # precision than the segmentor's.
        self._target = seen.detach().float()
        if self._shares_pass:
            logits, self._of_weights = share_pass(self.discriminator, seen)
        else:
            self.discriminator.requires_grad_(False)
            logits = self.discriminator(seen)
            self.discriminator.requires_grad_(True)
        loss = domain_loss(logits, SOURCE, self.gan)
        return {f'loss_adv{self._suffix}': self.loss_weight * loss}

    def _seen(self, probabilities: Tensor) -> Tensor:
        """What the discriminator sees of a prediction."""
        if self.input == 'self_information':
            return self_information(probabilities)
        return probabilities

    def after_iteration(self, iteration: Iteration, runner: Runner) -> None:
        """Update the discriminator on the iteration's two predictions."""
        with self.optim_wrapper.optim_context(self.discriminator_loss):
            if self._shares_pass:
                target = self._of_weights
                del self._of_weights
            else:
                target = self.discriminator(self._target)
            del self._target
            logits = iteration.source_logits[self.auxiliary_head]
            source = self._seen(logits.float().softmax(dim=1))
            results = self.discriminator_loss(source, target)
        self.optim_wrapper.update_params(results['loss'])
        for scheduler in self.param_schedulers:
            scheduler.step()
        for name, value in results.items():
            runner.message_hub.update_scalar(
                f'train/{name}_discriminator{self._suffix}', value.detach()
            )

    def pictures(self, iteration: Iteration) -> dict[str, Tensor]:
        with evaluation_mode(self.discriminator):
            belief = self.discriminator(self._target[:1])[0, 0]
        if self.gan == 'vanilla':
            belief = belief.sigmoid()
        return {f'taken for source{self._suffix}': belief.clamp(0, 1)}

    def optim_wrappers(self) -> dict[str, OptimWrapper]:
        return {f'discriminator{self._suffix}': self.optim_wrapper}

    def diagnose(
        self, means: dict[str, float], period: str
    ) -> tuple[str, str] | None:
        loss, source, target = (means[name] for name in self.watched)
        if loss < self.won_below:
            finding = 'has won'
            advice = (
                'the segmentor no longer follows it: raise '
                f'{self.key}.loss_weight or lower '
                f'{self.key}.optim_wrapper.optimizer.lr'
            )
        elif (
            abs(loss - GANS[self.gan].chance) < self.collapsed_within
            and source + target - 1 < 10 * self.collapsed_within
        ):
            finding = 'knows nothing'
            advice = (
                f'a coin is at {GANS[self.gan].chance_in_words}: if the '
                'validation mIoU does not rise, raise '
                f'{self.key}.optim_wrapper.optimizer.lr or '
                f'lower {self.key}.loss_weight'
            )
        else:
            return None
        return (
            f'The discriminator {finding} (its loss is {loss:.4f} over '
            f'{period}, and it is right on {source:.1%} of the source and '
            f'{target:.1%} of the target)',
            advice,
        )

    def state_dict(self) -> dict:
        return dict(
            discriminator=weights_to_cpu(self.discriminator.state_dict()),
            optimizer=apply_to(
                self.optim_wrapper.state_dict(),
                lambda x: hasattr(x, 'cpu'),
                lambda x: x.cpu(),
            ),
            param_schedulers=[
                scheduler.state_dict() for scheduler in self.param_schedulers
            ],
        )

    def load_state_dict(self, state: dict, iteration: int) -> None:
        try:
            self.discriminator.load_state_dict(state['discriminator'])
        except RuntimeError as error:
            raise InputError(
                "The resumed checkpoint's discriminator does not fit "
                f'{self.key}.discriminator '
                f'({" ".join(str(error).split())[:200]}): set the width that '
                'it was trained with, or start anew with load_from and '
                'without --resume.'
            ) from error
        adopt_config_schedule(
            'discriminator',
            self.optim_wrapper,
            self.param_schedulers,
            state,
            iteration,
        )
        self.optim_wrapper.load_state_dict(state['optimizer'])
        for scheduler, saved in zip(
            self.param_schedulers, state['param_schedulers']
        ):
            scheduler.load_state_dict(saved)
