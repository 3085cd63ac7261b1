from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmengine.runner.amp import autocast
from torch import nn

from mmseg_da.errors import warn
from mmseg_da.registry import HOOKS, OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass in bfloat16 autocast, on CPUs too.

    MMEngine's AmpOptimWrapper needs an accelerator, and scales the loss,
    which bfloat16 does not need: it has the exponents of float32. Parameters,
    gradients and the optimizer's state stay in float32, so checkpoints do not
    differ from those of ``OptimWrapper``. A CPU without instructions for
    bfloat16 trains in float32, and a warning says so.

    Example:
        >>> optim_wrapper = dict(type='mmseg_da.BFloat16OptimWrapper')
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pays = (
            torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported()
        )
        if not self.pays:
            warn(
                'This processor has no instructions for bfloat16: training '
                'in float32.'
            )

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with (
            super().optim_context(model),
            autocast(dtype=torch.bfloat16, enabled=self.pays),
        ):
            yield


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Trains with the weights of convolutions in the channels-last layout.

    Convolutions hand the layout on to what follows them. Results differ from
    the default layout's by rounding alone; checkpoints do not tell the
    layouts apart.
    """

    # Before the adaptation hook copies the segmentor for the teacher.
    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)
