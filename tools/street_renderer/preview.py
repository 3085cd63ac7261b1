"""Draws a sheet of demo images beside their coloured labels."""

from pathlib import Path

import numpy as np
from PIL import Image

from street_renderer.labels import label_palette
from street_renderer.write import draw

_TILE = (384, 192)


def write_preview(path, seed: int = 0, rows: int = 4) -> None:
    """Write source images with labels on the left, target on the right.

    Renders the first scenes of ``source`` and ``train_labelled`` anew.

    Args:
        path (str | Path): A PNG file.
        seed (int): The data set's seed. Defaults to 0.
        rows (int): Number of images of each domain. Defaults to 4.
    """
    palette = label_palette()
    sheet = []
    for index in range(rows):
        tiles = []
        for split in ('source', 'train_labelled'):
            image, label = draw(seed, split, index)
            for picture in (image, palette[label]):
                tile = Image.fromarray(picture).resize(_TILE)
                tiles.append(np.pad(tile, ((2, 2), (2, 2), (0, 0))))
        sheet.append(np.concatenate(tiles, 1))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(sheet)).save(path)
