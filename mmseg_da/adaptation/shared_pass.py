"""One forward pass of a network whose graph serves two backward passes."""

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


def share_pass(network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Pass an input once, for gradients of it first, then of the weights.

    ``loss_adv`` moves what the discriminator sees and holds its weights;
    the discriminator's own loss does the reverse. Both start from the same
    output on the target, so one forward pass is enough as long as the weights
    do not change in between. Each backward pass computes the gradients that
    it needs and no others.

    Args:
        network (nn.Module): Its passes agree, see :func:`passes_agree`.
        inputs (Tensor): Its input, with or without a graph.

    Returns:
        tuple[Tensor, Tensor]: The output as a function of the input, and as a
        function of the parameters; the second's backward frees the pass.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    # The pass is kept for longer than the graph of its input.
    leaf = inputs.detach().requires_grad_(inputs.requires_grad)
    with torch.enable_grad():
        output = network(leaf)
        of_parameters = _Relay.apply((output, parameters, False), *parameters)
    return _Relay.apply((output, (leaf,), True), inputs), of_parameters
