"""One forward pass of a network whose graph serves two backward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd


def passes_agree(network: nn.Module) -> bool:
    """Whether two passes of one input are equal, and change nothing.

    BatchNorm moves its buffers with every pass, and dropout draws anew.
    """
    return next(network.buffers(), None) is None and not any(
        isinstance(module, _DropoutNd) for module in network.modules()
    )


class _Relay(torch.autograd.Function):
    """Pass a gradient on through a graph that autograd does not see here."""

    @staticmethod
    def forward(ctx, graph: tuple, *receivers: Tensor) -> Tensor:
        ctx.graph = graph
        return graph[0].detach()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple:
        (output, inputs, keep), ctx.graph = ctx.graph, None
        gradients = torch.autograd.grad(
            output, inputs, gradient, retain_graph=keep, allow_unused=True
        )
        return None, *gradients


class SharedPass:
    """A forward pass whose gradients go to the input first, then to weights.

    ``loss_adv`` moves what the discriminator sees and holds its weights;
    the discriminator's own loss does the reverse. Both start from the same
    output on the target, so one forward pass is enough as long as the weights
    do not change in between. Each backward pass computes the gradients that
    it needs and no others.

    Args:
        network (Callable): From a tensor to a tensor.
        inputs (Tensor): Its input, with or without a graph.
        parameters (Iterable[Tensor]): The network's parameters.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        inputs: Tensor,
        parameters: Iterable[Tensor],
    ) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._inputs = inputs
        self._leaf = inputs.detach().requires_grad_(inputs.requires_grad)
        with torch.enable_grad():
            self._output = network(self._leaf)

    def for_inputs(self) -> Tensor:
        """The output, as a function of the input. To be asked for first."""
        inputs, leaf = self._inputs, self._leaf
        # The pass is kept for longer than the graph of its input.
        del self._inputs, self._leaf
        return _Relay.apply((self._output, (leaf,), True), inputs)

    def for_parameters(self) -> Tensor:
        """The output, as a function of the parameters; frees the pass."""
        graph = self._output, self._parameters, False
        del self._output
        return _Relay.apply(graph, *self._parameters)
