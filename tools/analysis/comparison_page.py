"""A page on which a reader compares the predictions of several models."""

from __future__ import annotations

import base64
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mmseg_da.analysis.qualitative import Comparison
from mmseg_da.utils.files import atomic_path

# Larger images are shown at this width; scores are of the full size.
PAGE_WIDTH = 1024
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name('templates')),
    autoescape=True,
    undefined=StrictUndefined,
)


def write_page(comparison: Comparison, out: str | Path) -> Path:
    """Write a comparison as one HTML file that needs nothing else.

    Args:
        comparison (Comparison): Images, labels and predictions.
        out (str | Path): Where the page is written.

    Returns:
        Path: ``out``.
    """
    out = Path(out)
    page = TEMPLATES.get_template('comparison.html').render(
        titles=list(comparison.predictions), data=page_data(comparison)
    )
    with atomic_path(out) as partial:
        partial.write_text(page, encoding='utf-8')
    return out


def page_data(comparison: Comparison) -> dict:
    """Collect what the page's script shows and sorts by.

    Returns:
        dict: ``classes``, ``palette``, ``models`` (titles) and ``images``:
        for each ``name``, ``input`` and ``maps`` (data URLs: label, then the
        models'; a pixel's grey value is its class), ``iou`` (for each model
        the percentages of the classes, null where label and prediction lack
        the class, or without a label), ``present`` (the classes that any map
        has) and ``differ`` (share of the pixels in percent where two models
        differ).
    """
    count = len(comparison.classes)
    images = []
    for index, image in enumerate(comparison.images):
        label = comparison.labels[index]
        predictions = [one[index] for one in comparison.predictions.values()]
        maps = [label, *predictions]
        present = {
            int(number)
            for one in maps
            if one is not None
            for number in np.unique(one)
            if number < count
        }
        images.append(
            dict(
                name=comparison.names[index],
                input=_encode_image(image),
                maps=[
                    None if one is None else _encode_map(one) for one in maps
                ],
                iou=[class_ious(one, label, count) for one in predictions],
                present=sorted(present),
                differ=share_that_differs(predictions),
            )
        )
    return dict(
        classes=list(comparison.classes),
        palette=[list(map(int, colour)) for colour in comparison.palette],
        models=list(comparison.predictions),
        images=images,
    )


def class_ious(
    prediction: np.ndarray, label: np.ndarray | None, count: int
) -> list[float | None]:
    """Intersection over union of each class in one image, in percent.

    Args:
        prediction (np.ndarray): Class indices ``(H, W)``.
        label (np.ndarray, optional): Of the same size, or of another, to
            which the prediction is resized. Pixels of no class are ignored.
        count (int): Number of classes.

    Returns:
        list[float | None]: None where neither has the class, or there is no
        label.
    """
    if label is None:
        return [None] * count
    prediction = _resize(prediction, label.shape[::-1])
    known = label < count
    label, prediction = label[known], prediction[known]
    ious: list[float | None] = []
    for number in range(count):
        here, there = label == number, prediction == number
        union = np.count_nonzero(here | there)
        both = np.count_nonzero(here & there)
        ious.append(round(100 * both / union, 2) if union else None)
    return ious


def share_that_differs(predictions: list[np.ndarray]) -> float:
    """Share of the pixels, in percent, where any two models differ."""
    differs = np.zeros(predictions[0].shape, bool)
    for one, other in combinations(predictions, 2):
        differs |= one != _resize(other, one.shape[::-1])
    return round(100 * float(differs.mean()), 2)


def _resize(class_map: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a class map to (width, height)."""
    if class_map.shape[::-1] == size:
        return class_map
    return cv2.resize(
        class_map.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST
    )


def _page_size(image: np.ndarray) -> tuple[int, int]:
    height, width = image.shape[:2]
    shown = min(width, PAGE_WIDTH)
    return shown, max(1, round(height * shown / width))


def _encode_image(image: np.ndarray) -> str:
    size = _page_size(image)
    bgr = cv2.resize(image, size, interpolation=cv2.INTER_AREA)[..., ::-1]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88]
    return _data_url('jpeg', cv2.imencode('.jpg', bgr, quality)[1])


def _encode_map(class_map: np.ndarray) -> str:
    small = _resize(class_map.astype(np.uint8), _page_size(class_map))
    return _data_url('png', cv2.imencode('.png', small)[1])


def _data_url(kind: str, encoded: np.ndarray) -> str:
    content = base64.b64encode(encoded.tobytes()).decode()
    return f'data:image/{kind};base64,{content}'
