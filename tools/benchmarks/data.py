"""Times loading: from files of GTA5's size to the network's input."""

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.models import SegDataPreProcessor
from PIL import Image, ImageEnhance

from benchmarks.core import Case, Comparison, Different, Settings, close, group
from dataset_converters.resize_dataset import write_resized
from mmseg_da.datasets import LoadTrainIds
from mmseg_da.datasets.encodings import TRAIN_TO_LABEL_ID
from mmseg_da.registry import DATASETS
from street_renderer.labels import label_palette
from street_renderer.write import draw

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
# Standard deviation of the grain, in grey levels.
GRAIN = 1.0
# Applied to every sample, so that all take the same work.
AUGMENTATION = [
    {'type': 'mmseg_da.ColorJitter', 'prob': 1.0},
    {'type': 'RandomFlip', 'prob': 1.0},
]
LOADING = [
    {'type': 'mmseg_da.LoadImage'},
    {'type': 'mmseg_da.LoadTrainIds'},
    {'type': 'mmseg_da.ResizeToScale'},
]


def write_frame(root: Path, size: tuple[int, int]) -> tuple[Path, Path]:
    """Write a street scene and its palette label in GTA5's layout.

    Grain brings the image file to the 2.5 MB of a real frame. The PNG of a
    clean rendering would be decoded in half the time.
    """
    # Few of this scene's objects are so thin that PIL and OpenCV, which choose
    # a label's nearest pixel by other rules, see another class there.
    image, label = draw(0, 'source', 1, size)
    grain = np.random.default_rng(0).normal(0, GRAIN, image.shape)
    image = np.clip(image + grain, 0, 255).astype(np.uint8)
    paths = root / 'images/00001.png', root / 'labels/00001.png'
    pictures = Image.fromarray(image), Image.fromarray(label)
    pictures[1].putpalette(label_palette().tobytes())
    for path, picture in zip(paths, pictures):
        path.parent.mkdir(parents=True)
        picture.save(path)
    return paths


# The plain pipeline.


def label_by_colours(path: Path) -> np.ndarray:
    """Compare the colour of every pixel with that of each class."""
    colours = np.asarray(Image.open(path).convert('RGB'))
    label = np.full(colours.shape[:2], 255, np.uint8)
    palette = label_palette().reshape(-1, 3)
    for train_id, label_id in enumerate(TRAIN_TO_LABEL_ID):
        label[(colours == palette[label_id]).all(axis=-1)] = train_id
    return label


def label_by_table(path: Path) -> np.ndarray:
    """Look up the train id of each palette index."""
    table = np.full(256, 255, np.uint8)
    table[list(TRAIN_TO_LABEL_ID)] = np.arange(len(TRAIN_TO_LABEL_ID))
    return table[np.asarray(Image.open(path))]


def shift_hue(image: Image.Image, shift: float) -> Image.Image:
    """Shift the hue of a PIL image as torchvision does."""
    hue, saturation, value = image.convert('HSV').split()
    turned = np.asarray(hue) + np.uint8(int(shift * 255) % 256)
    hsv = Image.fromarray(turned), saturation, value
    return Image.merge('HSV', hsv).convert('RGB')


JITTER = {
    'brightness': lambda x, by: ImageEnhance.Brightness(x).enhance(by),
    'contrast': lambda x, by: ImageEnhance.Contrast(x).enhance(by),
    'saturation': lambda x, by: ImageEnhance.Color(x).enhance(by),
    'hue': shift_hue,
}


def plain_sample(
    paths: tuple[Path, Path],
    size: tuple[int, int],
    to_label: Callable[[Path], np.ndarray],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Load a sample with PIL and torch, one operation after another.

    Random numbers are drawn in the order of ``mmseg_da.ColorJitter``.
    """
    image = Image.open(paths[0]).convert('RGB')
    image = image.resize(size, Image.Resampling.BILINEAR)
    label = Image.fromarray(to_label(paths[1]))
    label = label.resize(size, Image.Resampling.NEAREST)
    np.random.rand()
    amounts = {key: np.random.uniform(0.9, 1.1) for key in list(JITTER)[:3]}
    amounts['hue'] = np.random.uniform(-0.02, 0.02)
    for key in np.random.permutation(list(amounts)):
        image = JITTER[key](image, amounts[key])
    image, label = (
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for picture in (image, label)
    )
    tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    tensor = tensor / 255
    mean, std = (torch.tensor(x).view(3, 1, 1) / 255 for x in (MEAN, STD))
    tensor = (tensor - mean) / std
    label = torch.from_numpy(np.array(label, dtype=np.int64))
    return torch.stack([tensor]), torch.stack([label])


# The plugin's.


def plugin_sample(dataset, preprocess) -> tuple[torch.Tensor, torch.Tensor]:
    """Load a sample as the training step receives it."""
    batch = preprocess(pseudo_collate([dataset[0]]), training=True)
    return batch['inputs'], batch['data_samples'][0].gt_sem_seg.data


def nearly(expected: tuple, found: tuple) -> str:
    """Accept what PIL and OpenCV do differently in averaging and rounding."""
    image = float((expected[0] - found[0]).abs().mean())
    label = float((expected[1] == found[1]).double().mean())
    text = (
        f'images differ by {image:.3f} standard deviations on average, '
        f'labels agree on {100 * label:.1f} %'
    )
    if not (image < 0.1 and label > 0.9):
        raise Different(text)
    return text


def seeded(run: Callable, *args: Any) -> Callable[[], Any]:
    """Draw the same random numbers in each call."""

    def call() -> Any:
        np.random.seed(0)
        return run(*args)

    return call


def part(expected: Any, found: Any) -> str:
    return 'a part of it'


@group('data')
def data(settings: Settings) -> Iterator[Comparison]:
    """Compare label decoding and whole samples, and split their time."""
    init_default_scope('mmseg')
    full, size = (
        ((96, 64), (64, 36)) if settings.quick else ((1914, 1052), (1280, 720))
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, 'gta5')
        paths = write_frame(root, full)
        cfg = {
            'type': 'mmseg_da.GTA5Dataset',
            'data_root': str(root),
            'img_scale': size,
            'pipeline': [*LOADING, *AUGMENTATION, {'type': 'PackSegInputs'}],
        }
        copied = {**cfg, **write_resized(cfg, str(Path(folder, 'small')))}
        yield label_decoding(paths[1])
        yield from whole_samples(paths, size, cfg, copied)
        for name, dataset_cfg in (('files', cfg), ('copy', copied)):
            yield profile(name, dataset_cfg)


def label_decoding(path: Path) -> Comparison:
    load = LoadTrainIds()
    results = {'seg_map_path': str(path), 'label_encoding': 'label_ids'}
    width, height = Image.open(path).size

    def plugin() -> np.ndarray:
        return load({**results, 'seg_fields': []})['gt_seg_map']

    return Comparison(
        f'GTA5 label PNG of {width} x {height} to train ids',
        Case('colour by colour', lambda: label_by_colours(path)),
        [
            Case('index table, numpy', lambda: label_by_table(path)),
            Case('mmseg_da.LoadTrainIds', plugin, goal=0.05),
        ],
        same=close(0),
    )


def whole_samples(
    paths: tuple[Path, Path], size: tuple[int, int], cfg: dict, copied: dict
) -> Iterator[Comparison]:
    preprocess = SegDataPreProcessor(
        MEAN, STD, bgr_to_rgb=True, size_divisor=1
    )
    original, small = (
        seeded(plugin_sample, DATASETS.build(c), preprocess)
        for c in (cfg, copied)
    )
    by_colours, by_table = (
        seeded(plain_sample, paths, size, to_label)
        for to_label in (label_by_colours, label_by_table)
    )
    title = (
        f'GTA5 frame and label to a normalised {size[0]} x {size[1]} batch '
        'with jitter and flip'
    )
    yield Comparison(
        title,
        Case('PIL and torch, label colour by colour', by_colours),
        [
            Case('PIL and torch, label by index table', by_table),
            Case('mmseg_da', original, goal=0.33),
            Case('mmseg_da from a resized copy', small, goal=0.33),
        ],
        same=nearly,
    )
    yield Comparison(
        f'{title}: what the resized copy gains',
        Case('mmseg_da', original),
        [Case('mmseg_da from a resized copy', small)],
        same=close(0),
    )


def profile(name: str, dataset_cfg: dict) -> Comparison:
    """Each step of a pipeline alone, as a share of the whole."""
    dataset = DATASETS.build(dataset_cfg)
    preprocess = SegDataPreProcessor(
        MEAN, STD, bgr_to_rgb=True, size_divisor=1
    )
    whole = seeded(plugin_sample, dataset, preprocess)
    results = dataset.get_data_info(0)
    encoded = np.fromfile(results['img_path'], np.uint8)
    label = Path(results['seg_map_path']).read_bytes()
    cases = [
        Case(
            'image file, decoding alone',
            lambda: cv2.imdecode(encoded, cv2.IMREAD_COLOR),
        ),
        Case(
            'label PNG, decoding alone',
            lambda: np.asarray(Image.open(io.BytesIO(label))),
        ),
    ]

    def step(transform, before: dict) -> Callable[[], dict]:
        # A transform may write into what it is given.
        return seeded(
            lambda: transform(
                {**before, 'seg_fields': list(before['seg_fields'])}
            )
        )

    for transform in dataset.pipeline.transforms:
        run = step(transform, results)
        cases.append(Case(type(transform).__name__, run))
        results = run()
    batch = pseudo_collate([results])
    cases.append(
        Case('normalisation', lambda: preprocess(batch, training=True))
    )
    for case in cases:
        case.same = part
    title = {'files': 'the original files', 'copy': 'a resized copy'}[name]
    return Comparison(
        f'Where the time of mmseg_da goes, from {title}',
        Case('whole sample', whole),
        cases,
        same=part,
        memory=False,
    )
