from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from mmseg_da.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass in bfloat16 autocast, on CPUs too.

    MMEngine's AmpOptimWrapper needs an accelerator, and scales the loss,
    which bfloat16 does not need: it has the exponents of fp32. Parameters,
    gradients and the optimizer's state stay in fp32, so checkpoints do not
    differ from those of ``OptimWrapper``. It pays on processors with
    AVX512-BF16 or AMX, the more so with
    :class:`mmseg_da.ChannelsLastHook`.

    Example:
        >>> optim_wrapper = dict(type='mmseg_da.BFloat16OptimWrapper')
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
