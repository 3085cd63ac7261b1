"""One picture of what an iteration saw, predicted and learnt from."""

from collections.abc import Sequence

import cv2
import numpy as np
from torch import Tensor, nn

from mmseg_da.adaptation.augment import to_pixels
from mmseg_da.adaptation.iteration import Iteration
from mmseg_da.adaptation.outputs import evaluation_mode
from mmseg_da.adaptation.terms.entropy import normalised_entropy

# In pixels.
CELL_WIDTH, TITLE_HEIGHT, GAP = 400, 24, 4
COLUMNS = 4
WHITE = 255


def collect_pictures(iteration: Iteration) -> dict[str, Tensor]:
    """What every iteration has, as terms give their pictures."""
    target = iteration.target['inputs'][:1]
    with evaluation_mode(iteration.segmentor):
        logits = iteration.forward(target)
    return {
        'source image': iteration.source['inputs'][0],
        'source label': iteration.source_labels[0],
        'target image': target[0],
        'prediction': logits[0].argmax(dim=0),
        'entropy': normalised_entropy(logits)[0],
    }


def paint(
    picture: Tensor, preprocessor: nn.Module, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Paint an image, a label or a map as RGB ``(H, W, 3)`` of uint8.

    Args:
        picture (Tensor): A preprocessed image ``(3, H, W)``, class indices
            ``(H, W)`` of integers, or a map ``(H, W)`` of floats in [0, 1].
        preprocessor (nn.Module): It has the images' ``mean`` and ``std``.
        palette (Sequence): RGB colour of each class, 0..255. Other indices
            are black.
    """
    picture = picture.detach()
    if picture.dim() == 3:
        image = to_pixels(picture, preprocessor).clamp(0, 255).round().byte()
        return np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    if picture.is_floating_point():
        grey = (picture.clamp(0, 1) * 255).round().byte().cpu().numpy()
        return cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    return colours[picture.cpu().numpy().astype(np.uint8)]


def tile(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Lay out RGB pictures of any sizes under their titles, in ASCII."""
    cells = [_cell(title, picture) for title, picture in pictures.items()]
    rows = []
    for start in range(0, len(cells), COLUMNS):
        row = cells[start : start + COLUMNS]
        height = max(len(cell) for cell in row)
        width = COLUMNS * (CELL_WIDTH + GAP)
        strip = np.full((height + GAP, width, 3), WHITE, np.uint8)
        for column, cell in enumerate(row):
            left = column * (CELL_WIDTH + GAP)
            strip[: len(cell), left : left + CELL_WIDTH] = cell
        rows.append(strip)
    return np.concatenate(rows)


def _cell(title: str, picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    size = CELL_WIDTH, max(1, round(height * CELL_WIDTH / width))
    mode = cv2.INTER_AREA if width > CELL_WIDTH else cv2.INTER_NEAREST
    head = np.full((TITLE_HEIGHT, CELL_WIDTH, 3), WHITE, np.uint8)
    font, place = cv2.FONT_HERSHEY_SIMPLEX, (4, TITLE_HEIGHT - 8)
    cv2.putText(head, title, place, font, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([head, cv2.resize(picture, size, None, 0, 0, mode)])
