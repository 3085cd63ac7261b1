"""Output-space adversarial adaptation, written plainly in torch.

The baseline of the benchmarks, and what the tests hold the plugin's hook to.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@contextmanager
def one_sum(module: nn.Module) -> Iterator[None]:
    """Sum the gradients of one iteration before adding them to older ones.

    Autograd does so within one backward pass. Two passes would each be added
    to the older ones, which rounds differently.
    """
    parameters = list(module.parameters())
    older = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    yield
    for parameter, grad in zip(parameters, older):
        if grad is not None:
            parameter.grad += grad


class Textbook:
    """The single-level loop of Tsai et al. (CVPR 2018) in two passes.

    Source backward; target backward through the discriminator, held fixed;
    the discriminator on both predictions; a step of both optimizers.

    Args:
        network (nn.Module): The segmentor.
        sgd (torch.optim.Optimizer): Optimizer of the segmentor.
        discriminator (nn.Module): Takes probabilities ``(N, C, H, W)``.
        adam (torch.optim.Optimizer): Optimizer of the discriminator.
        learn (Callable): Takes a source batch and gives the segmentation
            loss and the logits of the main head at full size.
        predict (Callable): Takes a target batch and gives the logits at full
            size.
        loss_weight (float): Weight of the adversarial loss.
        device (torch.device): Where it trains. Defaults to the CPU.
        dtype (torch.dtype, optional): Type to autocast to. Each optimizer
            then has a gradient scaler. Defaults to None: no autocast.
    """

    def __init__(
        self,
        network: nn.Module,
        sgd: torch.optim.Optimizer,
        discriminator: nn.Module,
        adam: torch.optim.Optimizer,
        learn: Callable[[Any], tuple[Tensor, Tensor]],
        predict: Callable[[Any], Tensor],
        loss_weight: float,
        device: torch.device = torch.device('cpu'),
        dtype: torch.dtype | None = None,
    ) -> None:
        self.network, self.sgd = network, sgd
        self.discriminator, self.adam = discriminator, adam
        self.learn, self.predict = learn, predict
        self.loss_weight = loss_weight
        self.device, self.dtype = device, dtype
        self.scalers = [
            torch.amp.GradScaler(device.type, enabled=dtype is not None)
            for _ in range(2)
        ]

    def autocast(self) -> torch.autocast:
        return torch.autocast(
            self.device.type, self.dtype, enabled=self.dtype is not None
        )

    def domain_loss(self, probabilities: Tensor, domain: float) -> Tensor:
        logits = self.discriminator(probabilities)
        return F.binary_cross_entropy_with_logits(
            logits, torch.full_like(logits, domain)
        )

    def target_loss(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        """What the segmentor learns from the target."""
        return self.loss_weight * self.domain_loss(probabilities, 1.0)

    def backward(self, source: Any, target: Any, share: int = 1) -> None:
        """Add the gradients of one iteration.

        Args:
            source (Any): Batch for ``learn``.
            target (Any): Batch for ``predict``.
            share (int): Number of iterations that share one step. Defaults
                to 1.
        """
        scale_sgd, scale_adam = (scaler.scale for scaler in self.scalers)
        with one_sum(self.network):
            with self.autocast():
                loss, logits = self.learn(source)
            scale_sgd(loss / share).backward()
            with self.autocast():
                p_source = logits.detach().float().softmax(dim=1)
            del loss, logits

            self.discriminator.requires_grad_(False)
            with self.autocast():
                logits = self.predict(target)
                p_target = logits.float().softmax(dim=1)
                loss = self.target_loss(logits, p_target)
            scale_sgd(loss / share).backward()
            p_target = p_target.detach()
            del loss, logits

        self.discriminator.requires_grad_(True)
        with one_sum(self.discriminator):
            for probabilities, domain in ((p_source, 1.0), (p_target, 0.0)):
                with self.autocast():
                    loss = self.domain_loss(probabilities, domain) / 2
                scale_adam(loss / share).backward()

    def step(self) -> None:
        """Update both networks and forget their gradients."""
        for scaler, optimizer in zip(self.scalers, (self.sgd, self.adam)):
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
