"""Test a Runner's segmentor in its fast form."""

import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner, TestLoop
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from torch import nn

from mmseg_da.deploy import FastSegmentor
from mmseg_da.errors import InputError
from mmseg_da.evaluation import IoUMetric

# The fast form is taken if it agrees with the stock segmentor on at least this
# share of each image's pixels. It usually agrees on 0.999999.
AGREEMENT = 0.999
# These metrics read the class map only, never the logits.
METRICS = IoUMetric, MMSegIoUMetric
HOOKS_OF = 'mmengine', 'mmseg', 'mmseg_da'


class FastTestHook(Hook):
    """Replace a runner's model by a :class:`FastSegmentor` while it tests.

    MMSegmentation upsamples all classes' logits to full size, which takes
    about as long as the network. The hook compares both forms on the first
    batch. Where they disagree, or the segmentor has no fast form, the model
    stays. A line in the log says which form was evaluated, and why.

    Example:
        >>> runner.register_hook(FastTestHook())
        >>> runner.test()
    """

    def before_test_epoch(self, runner: Runner) -> None:
        """Remember the stock model."""
        self.stock = runner.model

    def before_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Choose the form at the first batch, when weights are loaded."""
        if batch_idx:
            return
        fast, reason = _fast_form(runner, data_batch)
        if fast is None:
            runner.logger.info(
                f'Evaluating the segmentor as MMSegmentation has it: {reason}'
            )
            return
        runner.model = fast
        runner.logger.info('Evaluating the fast form of the segmentor.')

    def after_test_epoch(self, runner: Runner, metrics=None) -> None:
        """Put the model back."""
        runner.model = self.stock


def _fast_form(
    runner: Runner, batch: dict
) -> tuple[FastSegmentor | None, str]:
    """Build the model's fast form, or say why it has none."""
    reason = _needs_logits(runner)
    if reason:
        return None, reason
    model = runner.model
    if isinstance(model, MMDistributedDataParallel):
        # Ranks have nothing to exchange in testing.
        model = model.module
    try:
        fast = FastSegmentor(model)
    except InputError as error:
        return None, str(error)
    share = _agreement(model, fast, batch)
    if share < AGREEMENT:
        return None, (
            f'the fast form has the same class at only {share:.2%} of the '
            'pixels of an image.'
        )
    return fast, ''


def _needs_logits(runner: Runner) -> str:
    """Say what may need more than class maps; empty if nothing does."""
    loop = runner.test_loop
    if type(loop) is not TestLoop or loop.fp16:
        return f'the test loop is {type(loop).__name__} with fp16={loop.fp16}.'
    for metric in getattr(loop.evaluator, 'metrics', [loop.evaluator]):
        if type(metric) not in METRICS:
            return f'{type(metric).__name__} may need the logits.'
    for hook in runner.hooks:
        reads = any(
            getattr(type(hook), name) is not getattr(Hook, name)
            for name in ('after_test_iter', '_after_iter')
        )
        if reads and type(hook).__module__.split('.')[0] not in HOOKS_OF:
            return f'{type(hook).__name__} may need the logits.'
    return ''


@torch.no_grad()
def _agreement(model: nn.Module, fast: nn.Module, batch: dict) -> float:
    """Compute the smallest share of an image's pixels with the same class.

    It is low for heads that do more in ``predict`` than in ``forward``, and
    for a BatchNorm that is registered after a convolution and does not follow
    it, so that folding it is wrong.
    """
    return min(
        (one.pred_sem_seg.data == other.pred_sem_seg.data)
        .float()
        .mean()
        .item()
        for one, other in zip(model.test_step(batch), fast.test_step(batch))
    )
