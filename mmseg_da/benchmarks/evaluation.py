"""From predicted class maps, and from logits, to counts for the mIoU."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from torch import Tensor

from ..deploy import class_map
from ..evaluation import IoUMetric
from .core import Case, Comparison, Different, Settings, close, group

NUM_CLASSES = 19
IGNORE_INDEX = 255


def street_like(shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A label of patches and a prediction that is right on 4 of 5 pixels."""
    torch.manual_seed(0)
    patch = 16
    label = torch.randint(NUM_CLASSES + 1, [side // patch for side in shape])
    label = label.repeat_interleave(patch, 0).repeat_interleave(patch, 1)
    wrong = torch.rand(shape) < 0.2
    prediction = label.where(~wrong, torch.randint(NUM_CLASSES, shape))
    label[label == NUM_CLASSES] = IGNORE_INDEX
    return prediction.clamp(max=NUM_CLASSES - 1), label.byte()


def same_classes(expected: Tensor, found: Tensor) -> str:
    """Ties to within rounding may fall either way."""
    share = float((expected == found).double().mean())
    text = f'equal on {100 * share:.4f} % of pixels'
    if not share >= 0.9999:
        raise Different(text)
    return text


def deciding(shape: tuple[int, int], device: torch.device) -> Comparison:
    """From the network's logits at 1/8 to the class of each label pixel."""
    network_input = tuple(side // 2 for side in shape)
    _, label = street_like(shape)
    coarse = label[8::16, 8::16].long().clamp(max=NUM_CLASSES - 1)
    logits = 5 * F.one_hot(coarse, NUM_CLASSES).permute(2, 0, 1).float()
    logits = (logits + torch.rand(logits.shape))[None].to(device)

    @torch.inference_mode()
    def stock() -> Tensor:
        # As the head and then `postprocess_result` of MMSegmentation do.
        full = logits
        for size in (network_input, shape):
            full = F.interpolate(full, size, mode='bilinear')
        return full.argmax(dim=1)

    @torch.inference_mode()
    def ours() -> Tensor:
        return class_map(logits, [network_input, shape])

    return Comparison(
        f'Upsampling logits and taking the largest, {shape[0]} x {shape[1]}',
        Case('as MMSegmentation does', stock),
        [Case('mmseg_da.deploy.class_map, as FastSegmentor does', ours)],
        same=same_classes,
    )


@group('evaluation')
def evaluation(settings: Settings) -> Iterator[Comparison]:
    """A prediction as argmax gives it and its label, to four counts."""
    yield deciding(
        (128, 256) if settings.quick else (1024, 2048), settings.device
    )
    shapes = [(64, 128)] if settings.quick else [(512, 1024), (1024, 2048)]
    for shape in shapes:
        prediction, label = street_like(shape)
        prediction = prediction.to(settings.device)

        def run(metric, prediction=prediction, label=label) -> list[Tensor]:
            # As MMSegmentation's `process` does before it counts.
            return metric.intersect_and_union(
                prediction, label.to(prediction), NUM_CLASSES, IGNORE_INDEX
            )

        yield Comparison(
            f'Counting a prediction of {shape[0]} x {shape[1]}',
            Case("MMSegmentation's IoUMetric", lambda: run(MMSegIoUMetric)),
            [Case('mmseg_da.IoUMetric', lambda: run(IoUMetric), goal=0.2)],
            same=close(0),
            number=1 if settings.quick else 3,
            family='Counting predictions',
            axis='pixels',
            at=shape[0] * shape[1],
        )
