"""Says when training has gone wrong, and stops it."""

from __future__ import annotations

import math
from functools import partial

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch.optim import Optimizer

from mmseg_da.errors import InputError
from mmseg_da.registry import HOOKS

from .adversarial_hook import AdversarialHook

CHANCE = math.log(2)  # The discriminator's loss when it knows nothing.


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Watches losses, gradients and the discriminator.

    A loss or a gradient norm that is NaN or infinite ends the run before the
    iteration reaches a checkpoint. A discriminator that has won or that
    knows nothing, by its mean over all ranks, is worth a warning or ends the
    run too. The gradient norms of each optimizer's steps are logged as
    ``grad_norm_segmentor`` and ``grad_norm_discriminator``, after any
    clipping. Steps that a loss scaler skips because half precision
    overflowed have none.

    Args:
        action (str): What a NaN or infinite number does: 'stop' or 'warn'.
            Defaults to 'stop'.
        discriminator_action (str): What a discriminator that has won or
            knows nothing does: 'stop' or 'warn'. Defaults to 'warn'.
        window (int): Iterations over which the discriminator is averaged,
            and at least between two equal warnings. Defaults to 500.
        won_below (float): Mean loss below which it has won. Defaults to
            0.05: right nearly everywhere, and sure of it. In the demo's 300
            iterations it fell to 0.12 at lambda 1e-3 and to 0.11 unopposed.
        collapsed_within (float): Distance of the mean loss to log 2 up to
            which it knows nothing, if the accuracies on the two domains also
            add up to no more than 1 plus 10 times that, where a coin's add
            up to 1. Defaults to 0.005; the demo's is at 0.688 after 10
            iterations and at 0.562 after 30.

    Raises:
        InputError: If an argument is out of range; in training, to stop.

    Example:
        >>> default_hooks = dict(
        ...     divergence=dict(type='mmseg_da.DivergenceHook'))
    """

    # After AdversarialHook has trained the discriminator, before the logger
    # and the checkpoints.
    priority = 'NORMAL'

    def __init__(
        self,
        action: str = 'stop',
        discriminator_action: str = 'warn',
        window: int = 500,
        won_below: float = 0.05,
        collapsed_within: float = 0.005,
    ) -> None:
        for name, value in (
            ('action', action),
            ('discriminator_action', discriminator_action),
        ):
            if value not in ('stop', 'warn'):
                raise InputError(
                    f'default_hooks.divergence.{name} is {value!r}: set it '
                    "to 'stop' or 'warn'."
                )
        if window < 1:
            raise InputError(
                f'default_hooks.divergence.window is {window}, but it must '
                'be at least 1 iteration.'
            )
        self.action = action
        self.discriminator_action = discriminator_action
        self.window = window
        self.won_below = won_below
        self.collapsed_within = collapsed_within
        self._norms: dict[str, torch.Tensor] = {}
        self._handles: list = []
        self._quiet_until = 0

    def before_train(self, runner: Runner) -> None:
        """Measure gradients right before every optimizer step."""
        wrappers = dict(segmentor=runner.optim_wrapper)
        for hook in runner.hooks:
            if isinstance(hook, AdversarialHook):
                wrappers['discriminator'] = hook.optim_wrapper
        self._handles = [
            wrapper.optimizer.register_step_pre_hook(
                partial(self._keep_norm, name)
            )
            for name, wrapper in wrappers.items()
            if isinstance(wrapper, OptimWrapper)
        ]

    def after_train(self, runner: Runner) -> None:
        """Leave the optimizers as they were found."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _keep_norm(
        self, name: str, optimizer: Optimizer, args: tuple, kwargs: dict
    ) -> None:
        norms = [
            torch.linalg.vector_norm(parameter.grad)
            for group in optimizer.param_groups
            for parameter in group['params']
            if parameter.grad is not None
        ]
        if norms:
            self._norms[name] = torch.linalg.vector_norm(torch.stack(norms))

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Look at the iteration's numbers."""
        hub, iteration = runner.message_hub, runner.iter + 1
        for name, norm in self._norms.items():
            hub.update_scalar(f'train/grad_norm_{name}', norm)
        norms = [f'train/grad_norm_{name}' for name in self._norms]
        self._norms = {}
        losses = [
            key
            for key in hub.log_scalars
            if key.startswith('train/') and 'loss' in key
        ]
        # A part says more than their sum, and a loss more than its gradient.
        losses.sort(key=lambda key: key == 'train/loss')
        for key in [*losses, *norms]:
            value = hub.get_scalar(key).current()
            if not math.isfinite(value):
                self._report(runner, key, value, iteration)
                break
        if iteration % self.window == 0:
            self._watch_discriminator(runner, iteration)

    def _report(
        self, runner: Runner, key: str, value: float, iteration: int
    ) -> None:
        name = key.removeprefix('train/')
        sentence = f'{name} is {value} at iteration {iteration}'
        # A resumed optimizer keeps the learning rate that it was saved with.
        advice = (
            'set optim_wrapper.clip_grad or look for bad samples with '
            'tools/check_dataset.py and --resume, or lower '
            'optim_wrapper.optimizer.lr and start anew'
        )
        if self.action == 'stop':
            raise InputError(
                f'{sentence}, and training stopped before that reached a '
                f'checkpoint: {advice} '
                '(default_hooks.divergence.action=warn would train on).'
            )
        if iteration > self._quiet_until:
            self._quiet_until = iteration + self.window
            runner.logger.warning(f'{sentence}: {advice}.')

    def _watch_discriminator(self, runner: Runner, iteration: int) -> None:
        names = 'loss', 'acc_source', 'acc_target'
        scalars = runner.message_hub.log_scalars
        keys = [f'train/{name}_discriminator' for name in names]
        if keys[0] not in scalars:
            return
        # Ranks that stop have to stop together.
        means = torch.tensor([scalars[key].mean(self.window) for key in keys])
        all_reduce(means, 'mean')
        loss, source, target = means.tolist()
        if loss < self.won_below:
            finding = 'has won'
            advice = (
                'the segmentor no longer follows it: raise '
                'default_hooks.adversarial.loss_weight or lower '
                'default_hooks.adversarial.optim_wrapper.optimizer.lr'
            )
        elif (
            abs(loss - CHANCE) < self.collapsed_within
            and source + target - 1 < 10 * self.collapsed_within
        ):
            finding = 'knows nothing'
            advice = (
                'a coin is at log 2 = 0.6931: if the validation mIoU does '
                'not rise, raise '
                'default_hooks.adversarial.optim_wrapper.optimizer.lr or '
                'lower default_hooks.adversarial.loss_weight'
            )
        else:
            return
        sentence = (
            f'The discriminator {finding} (its loss is {loss:.4f} over the '
            f'last {self.window} iterations to {iteration}, and it is right '
            f'on {source:.1%} of the source and {target:.1%} of the target)'
        )
        if self.discriminator_action == 'stop':
            raise InputError(
                f'{sentence}, and training stopped; {advice}, and start anew '
                '(default_hooks.divergence.discriminator_action=warn would '
                'train on).'
            )
        runner.logger.warning(f'{sentence}; {advice}.')
