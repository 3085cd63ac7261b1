"""Flat outlines, in metres, and shades of a colour."""

from collections.abc import Sequence

import numpy as np

from street_renderer.scene import Texture

#: Panes and other surfaces with broad reflections.
GLOSSY = Texture(grain=0.25, grain_size=0.5)
DARK = (0.05, 0.05, 0.055)


def disc(x: float, y: float, rx: float, ry: float, z: float, n: int = 12):
    """Return an upright ellipse around (x, y), shape (n, 3)."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack(
        [x + rx * np.cos(angle), y + ry * np.sin(angle), np.full(n, z)], 1
    )


def rect(x0: float, x1: float, y0: float, y1: float, z: float):
    """Return an upright rectangle's corners."""
    return [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]


def shade(colour: Sequence[float], factor: float) -> np.ndarray:
    """Return a lighter or darker colour."""
    return np.clip(np.asarray(colour) * factor, 0, 1)
