import math
import re
from functools import partial

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.optim import Optimizer

from mmseg_da.adaptation import AdaptationHook, AdaptationTerm
from mmseg_da.errors import InputError, check_choice, wrong_value
from mmseg_da.registry import HOOKS

KEY = 'default_hooks.divergence'


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Watches losses, gradients and the health of adaptation terms.

    A loss or a gradient norm that is NaN or infinite ends the run before the
    iteration reaches a checkpoint. A term that has lost its effect, by its
    own judgement (:meth:`AdaptationTerm.diagnose`) of means over all ranks,
    is worth a warning or ends the run too. The gradient norms of each
    optimizer's steps are logged as ``grad_norm_segmentor`` and, for each
    network that a term trains, ``grad_norm_{network}``, after any clipping.
    Steps that a loss scaler skips because half precision overflowed have
    none.

    Args:
        action (str): What a NaN or infinite number does: 'stop' or 'warn'.
            Defaults to 'stop'.
        term_action (str): What a term that has lost its effect does: 'stop'
            or 'warn'. Defaults to 'warn'.
        window (int): Iterations over which a term's numbers are averaged,
            and at least between two equal warnings. Defaults to 500.

    Raises:
        InputError: If an argument is out of range; in training, to stop.
    """

    # After AdaptationHook has updated its terms, before the logger and the
    # checkpoints.
    priority = 'NORMAL'

    def __init__(
        self,
        action: str = 'stop',
        term_action: str = 'warn',
        window: int = 500,
    ) -> None:
        actions = dict(action=action, term_action=term_action)
        for name, value in actions.items():
            check_choice(f'{KEY}.{name}', value, ('stop', 'warn'))
        if window < 1:
            raise wrong_value(f'{KEY}.window', window, 'at least 1 iteration')
        self.action = action
        self.term_action = term_action
        self.window = window
        self._terms: list[AdaptationTerm] = []
        self._norms: dict[str, torch.Tensor] = {}
        self._handles: list = []
        self._quiet_until = 0

    def before_train(self, runner: Runner) -> None:
        """Measure gradients right before every optimizer step."""
        wrappers = dict(segmentor=runner.optim_wrapper)
        self._terms = [
            term
            for hook in runner.hooks
            if isinstance(hook, AdaptationHook)
            for term in hook.terms.values()
        ]
        for term in self._terms:
            wrappers.update(term.optim_wrappers())
        self._handles = [
            each.optimizer.register_step_pre_hook(
                partial(self._keep_norm, name)
            )
            for name, each in wrappers.items()
            if hasattr(each, 'optimizer')
        ]

    def after_train(self, runner: Runner) -> None:
        """Leave the optimizers as they were found."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _keep_norm(
        self, name: str, optimizer: Optimizer, args: tuple, kwargs: dict
    ) -> None:
        # A fused optimizer unscales, and skips an overflow, inside its step.
        scale = getattr(optimizer, 'grad_scale', None)
        if getattr(optimizer, 'found_inf', None):
            return
        norms = [
            torch.linalg.vector_norm(parameter.grad)
            for group in optimizer.param_groups
            for parameter in group['params']
            if parameter.grad is not None
        ]
        if norms:
            norm = torch.linalg.vector_norm(torch.stack(norms))
            self._norms[name] = norm if scale is None else norm / scale

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Look at the iteration's numbers."""
        hub, iteration = runner.message_hub, runner.iter + 1
        for name, norm in self._norms.items():
            hub.update_scalar(f'train/grad_norm_{name}', norm)
        norms = [f'train/grad_norm_{name}' for name in self._norms]
        self._norms = {}
        losses = [k for k in hub.log_scalars if re.match('train/.*loss', k)]
        # A part says more than their sum, and a loss more than its gradient.
        for key in [*sorted(losses, key='train/loss'.__eq__), *norms]:
            value = hub.get_scalar(key).current()
            if not math.isfinite(value):
                self._report(runner, key, value, iteration)
                break
        if iteration % self.window == 0:
            for term in self._terms:
                self._watch(term, runner, iteration)

    def _report(
        self, runner: Runner, key: str, value: float, iteration: int
    ) -> None:
        name = key.removeprefix('train/')
        sentence = f'{name} is {value} at iteration {iteration}'
        advice = (
            'set optim_wrapper.clip_grad, lower optim_wrapper.optimizer.lr or '
            'look for bad samples with tools/check_dataset.py, and --resume'
        )
        if self.action == 'stop':
            raise InputError(
                f'{sentence}, and training stopped before that reached a '
                f'checkpoint: {advice} '
                f'({KEY}.action=warn would train on).'
            )
        if iteration > self._quiet_until:
            self._quiet_until = iteration + self.window
            runner.logger.warning(f'{sentence}: {advice}.')

    def _watch(
        self, term: AdaptationTerm, runner: Runner, iteration: int
    ) -> None:
        scalars = runner.message_hub.log_scalars
        keys = {name: f'train/{name}' for name in term.watched}
        if not keys or not all(key in scalars for key in keys.values()):
            return
        # Ranks that stop have to stop together.
        means = torch.tensor(
            [scalars[key].mean(self.window) for key in keys.values()]
        )
        all_reduce(means, 'mean')
        diagnosis = term.diagnose(
            dict(zip(keys, means.tolist())),
            f'the last {self.window} iterations to {iteration}',
        )
        if diagnosis is None:
            return
        finding, advice = diagnosis
        if self.term_action == 'stop':
            raise InputError(
                f'{finding}, and training stopped; {advice}, and start anew '
                f'({KEY}.term_action=warn would train on).'
            )
        runner.logger.warning(f'{finding}; {advice}.')
