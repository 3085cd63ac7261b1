"""Testing a Runner's segmentor in its fast form."""

from __future__ import annotations

from typing import Optional

import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner, TestLoop
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from torch import nn

from ..errors import InputError
from ..evaluation import IoUMetric
from .segmentor import FastSegmentor

# Smallest share of an image's pixels with the same class in both forms; it
# is about 0.999999.
AGREEMENT = 0.999
# Metrics known to look at nothing but the class map.
METRICS = IoUMetric, MMSegIoUMetric
HOOKS_OF = 'mmengine', 'mmseg', 'mmseg_da'


class FastTestHook(Hook):
    """Replaces a runner's model by a :class:`FastSegmentor` while it tests.

    MMSegmentation upsamples all classes' logits to full size, which takes
    about as long as the network. Where the fast form cannot stand in, or
    disagrees on the first batch, the model stays; a line in the log says
    which was evaluated.

    Example:
        >>> runner.register_hook(FastTestHook())
        >>> runner.test()
    """

    def before_test_epoch(self, runner: Runner) -> None:
        """Keep the model."""
        self.stock = runner.model

    def before_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Choose at the first batch: weights are loaded and averaged then."""
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
) -> tuple[Optional[FastSegmentor], str]:
    """The model's fast form, or None and the reason."""
    reason = _needs_logits(runner)
    if reason:
        return None, reason
    model = runner.model
    if isinstance(model, MMDistributedDataParallel):
        # Ranks have nothing to exchange in testing.
        model = model.module
    try:
        fast = FastSegmentor(model).eval()
    except InputError as error:
        return None, str(error)
    share = _agreement(model, fast, batch)
    if share < AGREEMENT:
        return None, (
            f'the fast form has the same class at {share:.2%} of the pixels '
            'of an image only.'
        )
    return fast, ''


def _needs_logits(runner: Runner) -> str:
    """What might ask for more than the class maps, or nothing."""
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
    """Smallest share of an image's pixels with the same class.

    It tells of heads that do more in ``predict`` than in ``forward``, and of
    BatchNorms that follow no convolution though they stand behind one.
    """
    return min(
        (one.pred_sem_seg.data == other.pred_sem_seg.data)
        .float()
        .mean()
        .item()
        for one, other in zip(model.test_step(batch), fast.test_step(batch))
    )
