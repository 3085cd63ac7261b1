"""Output-space adversarial training, written plainly in torch."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NUM_CLASSES = 19
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
LAMBDA = 1e-3
SGD = {'lr': 2.5e-2, 'momentum': 0.9, 'weight_decay': 1e-4}
ADAM = {'lr': 1e-4, 'betas': (0.9, 0.99)}


def plain_discriminator() -> nn.Sequential:
    """That of Tsai et al."""
    widths = (NUM_CLASSES, 64, 128, 256, 512)
    layers: list[nn.Module] = []
    for c_in, c_out in zip(widths, widths[1:]):
        layers += [nn.Conv2d(c_in, c_out, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 2, 1))


class Textbook:
    """Tsai et al.'s loop in plain torch.

    Source backward, target backward through the discriminator, then the
    discriminator on both predictions, and a step of both optimizers.

    Args:
        network (nn.Module): Takes images and the size of the logits, and
            gives three, those of the auxiliary heads last.
        source (Any): With ``images`` ``(N, 3, H, W)``, uint8 in BGR, and
            ``labels`` ``(N, H, W)``.
        target (Any): With ``images``.
        device (torch.device): Where it trains.
        amp (bool): Whether it autocasts to fp16, a gradient scaler for each
            optimizer. Defaults to False.
    """

    def __init__(
        self,
        network: nn.Module,
        source: Any,
        target: Any,
        device: torch.device,
        amp: bool = False,
    ) -> None:
        self.device, self.amp = device, amp
        self.network = network.train().to(device)
        self.discriminator = plain_discriminator().to(device)
        self.sgd = torch.optim.SGD(self.network.parameters(), **SGD)
        self.adam = torch.optim.Adam(self.discriminator.parameters(), **ADAM)
        self.source, self.target = source, target
        self.scalers = [
            torch.GradScaler(device.type, enabled=amp) for _ in range(2)
        ]

    def autocast(self) -> torch.autocast:
        return torch.autocast(
            self.device.type, torch.float16, enabled=self.amp
        )

    def normalise(self, images: Tensor) -> Tensor:
        mean, std = (
            torch.tensor(values, device=self.device).view(3, 1, 1)
            for values in (MEAN, STD)
        )
        # OpenCV's images are BGR.
        return (images.to(self.device).flip(1).float() - mean) / std

    def domain_loss(self, probabilities: Tensor, domain: float) -> Tensor:
        logits = self.discriminator(probabilities)
        return F.binary_cross_entropy_with_logits(
            logits, torch.full_like(logits, domain)
        )

    def step(self) -> None:
        """One iteration."""
        scale_sgd, scale_adam = (scaler.scale for scaler in self.scalers)
        images = self.normalise(self.source.images)
        labels = self.source.labels.to(self.device)
        with self.autocast():
            outputs = self.network(images, size=images.shape[2:])
            loss = sum(
                F.cross_entropy(logits, labels, ignore_index=255)
                for logits in outputs
            )
        scale_sgd(loss).backward()
        p_source = outputs[0].detach().softmax(dim=1)
        del outputs, loss

        self.discriminator.requires_grad_(False)
        images = self.normalise(self.target.images)
        with self.autocast():
            logits = self.network(images, size=images.shape[2:])[0]
            p_target = logits.softmax(dim=1)
            loss = LAMBDA * self.domain_loss(p_target, 1.0)
        scale_sgd(loss).backward()
        p_target = p_target.detach()
        del logits, loss

        self.discriminator.requires_grad_(True)
        for p, domain in ((p_source, 1.0), (p_target, 0.0)):
            with self.autocast():
                loss = self.domain_loss(p, domain) / 2
            scale_adam(loss).backward()
        for scaler, optimizer in zip(self.scalers, (self.sgd, self.adam)):
            scaler.step(optimizer)
            scaler.update()
        # Here rather than at the start, as MMEngine does: gradients do not
        # lie about between iterations, and their memory counts for both.
        self.sgd.zero_grad()
        self.adam.zero_grad()
