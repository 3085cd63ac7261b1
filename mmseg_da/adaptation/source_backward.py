"""Gradients of the source's loss, before other images pass the segmentor."""

import torch
from mmengine.model import (
    BaseModel,
    MMDistributedDataParallel,
    is_model_wrapper,
)
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from mmengine.utils import apply_to
from torch import Tensor, nn


def may_run_early(runner: Runner) -> bool:
    """Whether the source's loss may have a backward pass of its own.

    Not where gradients of several iterations add up, which would then be
    summed in another order; and of the wrappers for several devices only
    under DDP, which lets gradients add up until its own backward pass. A
    ``train_step`` of the segmentor's own may change the losses afterwards.
    """
    model, wrapper = runner.model, runner.optim_wrapper
    if is_model_wrapper(model):
        stock = type(model) is MMDistributedDataParallel
    else:
        stock = type(model).train_step is BaseModel.train_step
    return (
        stock
        and not isinstance(wrapper, OptimWrapperDict)
        and wrapper._accumulative_counts == 1
    )


def backward_source(
    runner: Runner, segmentor: nn.Module, losses: dict
) -> dict:
    """Compute the gradients of the segmentor's losses and free their graph.

    So the activations of the source's pass are gone when the target's is
    computed. A parameter's gradient is still a sum of two, that of the source
    and that of all other passes, and so the same to the last bit as that of
    one backward pass over everything.

    Args:
        runner (Runner): For which :func:`may_run_early` holds.
        segmentor (nn.Module): The bare segmentor.
        losses (dict): What its loss returned.

    Returns:
        dict: The same values without a graph. One of them has a gradient of
        zero for the backward pass that follows: it may have no other, and
        DDP waits for a gradient of each parameter that it saw.
    """
    total, _ = segmentor.parse_losses(losses)
    if not total.requires_grad:
        return losses
    # As in one backward pass, which runs outside of autocast.
    with torch.autocast(total.device.type, enabled=False):
        runner.optim_wrapper.backward(total)
        reached = [p for p in segmentor.parameters() if p.grad is not None]
        if not is_model_wrapper(runner.model):
            reached = reached[:1]
        zero = 0 * sum(parameter.sum() for parameter in reached)
    freed = apply_to(losses, torch.is_tensor, Tensor.detach)
    name = next(name for name in freed if 'loss' in name)
    value = freed[name]
    freed[name] = (
        [value[0] + zero, *value[1:]]
        if isinstance(value, list)
        else value + zero
    )
    return freed
