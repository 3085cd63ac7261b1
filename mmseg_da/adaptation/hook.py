"""The hook through which adaptation terms reach a segmentor."""

from functools import partial

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import weights_to_cpu
from torch import Tensor, nn

from mmseg_da.adaptation.iteration import Iteration, TargetStream
from mmseg_da.adaptation.outputs import (
    auxiliary_heads,
    find_output_index,
    keep_random_state,
    losses_of_head,
    predicting_head,
)
from mmseg_da.adaptation.source_backward import (
    backward_source,
    may_run_early,
)
from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS, MODELS


@HOOKS.register_module()
class AdaptationHook(Hook):
    """Adapts the segmentor to unlabelled target images while it trains.

    When the segmentor runs in ``mode='loss'``, the hook draws a target batch
    and adds the losses of its terms to the segmentor's. All passes lie in one
    forward and one optimizer step, so the segmentor, its optimizer and the
    loop stay as they are: deleting the hook from a config gives plain
    MMSegmentation training. Checkpoints keep the terms' state beside the plain
    segmentor's weights. Where possible the source's graph is freed before the
    target is passed (:mod:`mmseg_da.adaptation.source_backward`).

    Args:
        target_dataloader (dict): Config of the target's data loader. Its
            pipeline need not load annotations; they are never read. Batch
            size and workers default to the source loader's. A sampler must
            be endless and have ``skip``; ``mmseg_da.InfiniteSampler``, the
            default, is.
        terms (dict[str, dict]): Config of each term by a name of your
            choice. ``None`` instead of a config removes an inherited term.
        teacher (dict, optional): Config of what labels the target for terms
            that train on pseudo-labels. Defaults to None.
        output_index (int, optional): Which of the head's outputs is adapted,
            where it has several in training, each with a loss. Defaults to
            None: the one that the head predicts with.

    Raises:
        InputError: If an argument is out of range, two terms give one loss
            the same name, or the head does not offer what a term needs.

    Example:
        >>> default_hooks = dict(adaptation=dict(
        ...     type='mmseg_da.AdaptationHook',
        ...     target_dataloader=dict(dataset=target_dataset),
        ...     terms=dict(entropy=dict(type='mmseg_da.EntropyTerm'))))
    """

    # Before timer, logger and checkpoint: a term's update belongs to the
    # iteration's time, and a saved state must include the update.
    priority = 'ABOVE_NORMAL'
    # The hook's place in a config, for messages.
    key = 'default_hooks.adaptation'

    def __init__(
        self,
        target_dataloader: dict,
        terms: dict[str, dict | None],
        teacher: dict | None = None,
        output_index: int | None = None,
    ) -> None:
        self.target_dataloader_cfg = target_dataloader
        self.output_index = output_index
        # Networks are built in before_train: testing never builds them, and
        # EMA's copy of the model carries no hook of ours.
        self.terms = {
            name: MODELS.build({'key': f'{self.key}.terms.{name}', **cfg})
            for name, cfg in terms.items()
            if cfg is not None
        }
        self.teacher = teacher and MODELS.build(
            dict(teacher, key=f'{self.key}.teacher')
        )
        for term in self.terms.values():
            if term.needs_teacher and not teacher:
                raise InputError(
                    f'{term.key} trains on pseudo-labels, but '
                    f'{self.key}.teacher is missing: set it, for example to '
                    "dict(type='mmseg_da.EMATeacher')."
                )
        self.iteration: Iteration | None = None
        self._resumed_state: dict = {}
        self._handles: list = []

    # Set-up.

    def before_train(self, runner: Runner) -> None:
        """Build what adapts, restore it on resume, and attach it."""
        model = runner.model
        segmentor = model.module if is_model_wrapper(model) else model
        self._check(runner, segmentor)
        # The source stream is the same with and without the hook.
        with keep_random_state(segmentor):
            if self.teacher:
                metainfo = runner.train_dataloader.dataset.metainfo
                self.teacher.build(segmentor, metainfo.get('classes'))
            for term in self.terms.values():
                term.build(runner, segmentor)
            self._stream = TargetStream(
                self.target_dataloader_cfg,
                runner,
                f'{self.key}.target_dataloader',
            )
        if runner.iter > 0:
            self._restore(runner)
        self._resumed_state = {}
        self._attach(runner, segmentor)

    def _check(self, runner: Runner, segmentor: nn.Module) -> None:
        if sum(isinstance(hook, AdaptationHook) for hook in runner.hooks) > 1:
            raise InputError(
                f'{self.key} is not the only adaptation hook of the config: '
                'make their terms the terms of one AdaptationHook, and set '
                'the others to None.'
            )
        if getattr(segmentor, 'out_channels', None) == 1:
            raise InputError(
                'The decode head predicts two classes in one channel '
                '(out_channels=1), but adaptation needs the probability of '
                'each class: leave out_channels out, and use_sigmoid too.'
            )

    def _attach(self, runner: Runner, segmentor: nn.Module) -> None:
        index = find_output_index(segmentor, self.output_index, self.key)
        with_gradient = any(
            term.loss_weight > 0 for term in self.terms.values()
        )

        def start(segmentor: nn.Module, args: tuple, kwargs: dict):
            if kwargs.get('mode') != 'loss':
                return None
            if self.teacher:
                self.teacher.start_iteration(segmentor)
            source = {key: kwargs[key] for key in ('inputs', 'data_samples')}
            self.iteration = Iteration(
                segmentor=segmentor,
                source=source,
                stream=self._stream,
                number=runner.iter,
                seed=runner.seed,
                output_index=index,
                with_gradient=with_gradient,
                teacher=self.teacher,
            )
            for term in self.terms.values():
                changed = term.change_source(self.iteration)
                if changed is not None:
                    source['inputs'] = changed
            return args, dict(kwargs, **source)

        self._handles = [
            segmentor.register_forward_pre_hook(start, with_kwargs=True),
            segmentor.register_forward_hook(
                partial(self._add_losses, runner), with_kwargs=True
            ),
        ]
        for head in {
            term.auxiliary_head
            for term in self.terms.values()
            if term.needs_source_logits
        }:
            if head is None:
                loss = losses_of_head(predicting_head(segmentor))[index]
            else:
                loss = losses_of_head(auxiliary_heads(segmentor)[head])[0]
            self._handles.append(
                loss.register_forward_pre_hook(
                    partial(self._keep_source_logits, head)
                )
            )

    def after_train(self, runner: Runner) -> None:
        """Leave the segmentor as it was found."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        # Ends the loader's workers, persistent ones too.
        del self._stream

    # One iteration.

    def _keep_source_logits(
        self, head: int | None, loss: nn.Module, args: tuple
    ) -> None:
        if self.iteration:
            # Only the first of an iteration's passes is the source's.
            self.iteration.source_logits.setdefault(head, args[0].detach())

    def _add_losses(
        self,
        runner: Runner,
        segmentor: nn.Module,
        args: tuple,
        kwargs: dict,
        losses: dict,
    ) -> dict:
        if kwargs.get('mode') != 'loss':
            return losses
        if may_run_early(runner):
            losses = backward_source(runner, segmentor, losses)
        iteration = self.iteration
        iteration.target  # noqa: B018  drawn once an iteration, used or not
        for name, term in self.terms.items():
            missing = term.auxiliary_head not in iteration.source_logits
            if term.needs_source_logits and missing:
                raise InputError(
                    'The decode head trained without calling its '
                    f'loss_decode, from which the term {name!r} takes the '
                    'source prediction: compute its loss there, as '
                    'BaseDecodeHead does.'
                )
            with torch.set_grad_enabled(term.loss_weight > 0):
                of_term: dict[str, Tensor] = term.losses(iteration)
            for loss_name, value in of_term.items():
                if loss_name in losses:
                    raise InputError(
                        f'{term.key} gives a loss named '
                        f'{loss_name!r}, which exists already: keep one term '
                        'of each type, or one for each head.'
                    )
                losses[loss_name] = value
        iteration.end_losses()
        return losses

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Let the terms and the teacher update what they own."""
        iteration, self.iteration = self.iteration, None
        for term in self.terms.values():
            term.after_iteration(iteration, runner)
        # Of gradients that accumulate, only the last makes a step.
        if self.teacher and runner.optim_wrapper.should_update():
            self.teacher.update(iteration.segmentor)

    # Checkpoints.

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the terms' state where the optimizer's is kept."""
        if 'optimizer' in checkpoint:
            checkpoint.update(self._state())

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the state aside until there is something to restore it to."""
        state = checkpoint.pop('adaptation', {})
        if 'adversarial' in checkpoint:  # as AdversarialHook saves it
            state = dict(terms=dict(adversarial=checkpoint.pop('adversarial')))
        self._resumed_state = state

    def _state(self) -> dict:
        state: dict = dict(
            terms={
                name: term.state_dict()
                for name, term in self.terms.items()
                if term.state_name
            }
        )
        if self.teacher and (kept := self.teacher.state_dict()):
            state['teacher'] = weights_to_cpu(kept)
        return dict(adaptation=state)

    def _restore(self, runner: Runner) -> None:
        state = self._resumed_state
        terms = state.get('terms', {})
        for name, term in self.terms.items():
            if not term.state_name:
                continue
            if name in terms:
                term.load_state_dict(terms[name], runner.iter)
            else:
                runner.logger.warning(
                    f'The resumed checkpoint holds no {term.state_name}: it '
                    f'was trained without the term {name!r}, whose '
                    f'{term.state_name} starts from scratch.'
                )
        if not self.teacher:
            return
        if 'teacher' in state:
            self.teacher.load_state_dict(state['teacher'])
        elif self.teacher.state_dict():
            runner.logger.warning(
                'The resumed checkpoint holds no teacher: it was trained '
                'without one, which starts as a copy of the segmentor.'
            )
