"""Times evaluation: from files, logits or class maps to the mIoU's counts."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.evaluation import IoUMetric as MMSegIoUMetric
from PIL import Image
from torch import Tensor

from benchmarks import networks as nets
from benchmarks.core import Case, Comparison, Different, Settings, close, group
from mmseg_da.deploy import FastSegmentor, class_map
from mmseg_da.evaluation import IoUMetric
from mmseg_da.registry import DATASETS
from mmseg_da.utils.config import load_config
from street_renderer.write import draw

NUM_CLASSES = 19
IGNORE_INDEX = 255


def street_like(
    shape: tuple[int, int], classes: int = NUM_CLASSES
) -> tuple[Tensor, Tensor]:
    """Make a label of patches and a prediction that is right on 80 %."""
    torch.manual_seed(0)
    patch = 16
    label = torch.randint(classes + 1, [side // patch for side in shape])
    label = label.repeat_interleave(patch, 0).repeat_interleave(patch, 1)
    wrong = torch.rand(shape) < 0.2
    prediction = label.where(~wrong, torch.randint(classes, shape))
    label[label == classes] = IGNORE_INDEX
    return prediction.clamp(max=classes - 1), label.byte()


def same_classes(expected: Tensor, found: Tensor) -> str:
    """Accept that rounding decides ties in either way."""
    share = float((expected == found).double().mean())
    text = f'equal on {100 * share:.4f} % of pixels'
    if not share >= 0.9999:
        raise Different(text)
    return text


def deciding(shape: tuple[int, int], device: torch.device) -> Comparison:
    """Compare ways from logits at 1/8 to the class of each label pixel."""
    network_input = tuple(side // 2 for side in shape)
    _, label = street_like(shape)
    coarse = label[8::16, 8::16].long().clamp(max=NUM_CLASSES - 1)
    logits = 5 * F.one_hot(coarse, NUM_CLASSES).permute(2, 0, 1).float()
    logits = (logits + torch.rand(logits.shape))[None].to(device)

    @torch.inference_mode()
    def stock() -> Tensor:
        # The head resizes once, then `postprocess_result` once more.
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


def write_frames(root: Path, count: int, shape: tuple[int, int]) -> None:
    """Write street scenes and labels in the layout of Cityscapes val."""
    for index in range(count):
        image, label = draw(0, 'val', index, shape[::-1])
        stem = f'val/ulm/ulm_{index:06d}_000019'
        files = {
            f'leftImg8bit/{stem}_leftImg8bit.png': image,
            f'gtFine/{stem}_gtFine_labelIds.png': label,
        }
        for name, pixels in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)


def whole(
    settings: Settings, root: Path, count: int, shape: tuple[int, int]
) -> Comparison:
    """Compare whole test runs, from files to the counts of the mIoU."""
    device = settings.device
    _, stock = nets.networks(settings)
    fast = FastSegmentor(stock).to(device)
    network_input = tuple(side // 2 for side in shape)
    dataset = DATASETS.build(
        {
            **load_config(nets.CONFIG).val_dataloader.dataset,
            'data_root': str(root),
            'max_samples': count,
            'img_scale': network_input[::-1],
            'test_mode': True,
        }
    )

    def run(model, metric_type) -> list[Tensor]:
        metric = metric_type()
        metric.dataset_meta = dataset.metainfo
        for index in range(count):
            batch = pseudo_collate([dataset[index]])
            with torch.no_grad():
                outputs = model.test_step(batch)
            metric.process(batch, [output.to_dict() for output in outputs])
        return [sum(counts) for counts in zip(*metric.results)]

    image = nets.normalise(nets.street(network_input)[None], device)
    prediction, label = street_like(shape)
    parts = {
        'files to samples': lambda: [dataset[i] for i in range(count)],
        'network': lambda: [fast.logits(image) for _ in range(count)],
        'counting': lambda: [
            IoUMetric.intersect_and_union(
                prediction, label, NUM_CLASSES, IGNORE_INDEX
            )
            for _ in range(count)
        ],
    }
    return Comparison(
        f'Evaluating {count} frames of {shape[0]} x {shape[1]}, from files '
        'to counts',
        Case(
            "MMSegmentation's test_step and IoUMetric",
            lambda: run(stock, MMSegIoUMetric),
        ),
        [
            Case(
                'FastSegmentor and mmseg_da.IoUMetric',
                lambda: run(fast, IoUMetric),
            ),
            *(
                Case(f'of it: {name}', torch.inference_mode()(part), a_part)
                for name, part in parts.items()
            ),
        ],
        same=close(1e-4, relative=True),
        images=count,
        family='Evaluation',
        axis='images',
        at=count,
    )


def a_part(expected: object, found: object) -> str:
    return 'a part of it'


@group('evaluation')
def evaluation(settings: Settings) -> Iterator[Comparison]:
    """Compare the whole evaluation, its last step, and its counting."""
    init_default_scope('mmseg')
    frame = (128, 256) if settings.quick else (1024, 2048)
    with tempfile.TemporaryDirectory() as folder:
        counts = (1, 2) if settings.quick else (1, 2, 4)
        write_frames(Path(folder), counts[-1], frame)
        for count in counts:
            yield whole(settings, Path(folder), count, frame)
    yield deciding(
        (128, 256) if settings.quick else (1024, 2048), settings.device
    )
    shapes = [(512, 1024), (1024, 2048)]
    if settings.quick:
        shapes = [(32, 64), (64, 128)]
    for shape in shapes:
        yield counting(settings, shape, NUM_CLASSES, 'pixels')
    for classes in (NUM_CLASSES, 50, 150):
        yield counting(settings, shapes[0], classes, 'classes')


def counting(
    settings: Settings, shape: tuple[int, int], classes: int, axis: str
) -> Comparison:
    """Compare ways to count a prediction against its label."""
    prediction, label = street_like(shape, classes)
    prediction = prediction.to(settings.device)

    def run(metric) -> list[Tensor]:
        # MMSegmentation's `process` moves the label in the same way.
        return metric.intersect_and_union(
            prediction, label.to(prediction), classes, IGNORE_INDEX
        )

    known = classes == NUM_CLASSES
    return Comparison(
        f'Counting a prediction of {shape[0]} x {shape[1]}, {classes} classes',
        Case("MMSegmentation's IoUMetric", lambda: run(MMSegIoUMetric)),
        [
            Case(
                'mmseg_da.IoUMetric',
                lambda: run(IoUMetric),
                goal=0.2 if known else None,
            )
        ],
        same=close(0),
        number=1 if settings.quick else 3,
        family='Counting predictions',
        axis=axis,
        at=classes if axis == 'classes' else shape[0] * shape[1],
    )
