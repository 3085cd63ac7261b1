"""Times losses and the gradient of their logits."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.core import Case, Comparison, Settings, close, group
from mmseg_da.models.losses import CrossEntropyLoss, DiceLoss, FocalLoss

IGNORE_INDEX = 255


def plain_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    return F.cross_entropy(logits, label, ignore_index=IGNORE_INDEX)


def plain_focal(logits: Tensor, label: Tensor, gamma: float = 1.0) -> Tensor:
    kept = label != IGNORE_INDEX
    nll = F.cross_entropy(
        logits, label, ignore_index=IGNORE_INDEX, reduction='none'
    )
    return ((1 - (-nll).exp()) ** gamma * nll)[kept].mean()


def plain_dice(logits: Tensor, label: Tensor) -> Tensor:
    """Compute the Dice loss on one-hot labels over the classes that occur."""
    kept = (label != IGNORE_INDEX)[:, None]
    one_hot = F.one_hot(label.where(kept[:, 0], 0), logits.shape[1])
    truth = one_hot.permute(0, 3, 1, 2).float() * kept
    prob = logits.softmax(dim=1) * kept
    hit, predicted, count = (
        volume.sum((0, 2, 3)) for volume in (prob * truth, prob, truth)
    )
    loss = 1 - (2 * hit + 1) / (predicted + count + 1)
    return loss[count > 0].mean()


LOSSES = {
    'Cross-entropy': (plain_cross_entropy, CrossEntropyLoss),
    'Focal loss': (plain_focal, FocalLoss),
    'Dice loss': (plain_dice, DiceLoss),
}


def forward_backward(
    loss: Callable, logits: Tensor, label: Tensor
) -> Callable[[], tuple[Tensor, Tensor]]:
    """Make a call that returns a loss and the gradient of the logits."""

    def run() -> tuple[Tensor, Tensor]:
        logits.grad = None
        value = loss(logits, label)
        value.backward()
        return value.detach(), logits.grad

    return run


@group('losses')
def losses(settings: Settings) -> Iterator[Comparison]:
    """Compare each loss with plain torch, then for more classes."""
    full, small = (512, 1024), (256, 512)
    if settings.quick:
        full = small = (32, 64)
    for name in LOSSES:
        yield comparison(settings, name, full, 19)
    for classes in (19, 50, 150):
        yield comparison(settings, 'Cross-entropy', small, classes, grow=True)


def comparison(
    settings: Settings,
    name: str,
    shape: tuple[int, int],
    classes: int,
    grow: bool = False,
) -> Comparison:
    torch.manual_seed(0)
    logits = torch.randn(1, classes, *shape, device=settings.device)
    logits.requires_grad_()
    label = torch.randint(classes, (1, *shape), device=settings.device)
    label[:, :8] = IGNORE_INDEX
    plain, own = LOSSES[name]
    half = logits.detach().bfloat16().requires_grad_()
    cases = [
        Case(
            f'mmseg_da.{own.__name__}', forward_backward(own(), logits, label)
        )
    ]
    if not grow:
        cases.append(
            Case(
                f'mmseg_da.{own.__name__}, bf16 logits',
                forward_backward(own(), half, label),
                same=close(0.02, relative=True),
            )
        )
    return Comparison(
        f'{name} and its gradient, 1 x {classes} x {shape[0]} x {shape[1]}',
        Case('plain torch', forward_backward(plain, logits, label)),
        cases,
        same=close(1e-4, relative=True),
        family='Losses' if grow else '',
        axis='classes',
        at=classes if grow else None,
    )
