"""A scene: flat coloured polygons in metres, listed for the painter.

Axes: x to the right, y up, z ahead along the street; the ground is y = 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from street_renderer import labels

#: Sort depth of what lies under or behind everything else.
BEHIND = 1e6

NOISE, WINDOWS, STRIPES, TILES = range(4)


class Texture(NamedTuple):
    """How the colour varies over a polygon.

    Args:
        kind (int): ``NOISE``, ``WINDOWS``, ``STRIPES`` or ``TILES``.
        grain (float): Relative amplitude of the noise all kinds have.
        grain_size (float): Size in metres of one noise cell.
        u (float): Period in metres along the polygon.
        v (float): Period in metres across (upwards on walls).
        colour (Sequence[float]): RGB of panes, gaps or joints.
    """

    kind: int = NOISE
    grain: float = 0.06
    grain_size: float = 0.05
    u: float = 1.0
    v: float = 1.0
    colour: Sequence[float] = (0.2, 0.2, 0.2)


PLAIN = Texture()


class Scene:
    """Polygons and the shadows they throw on the ground.

    Args:
        curve (float): The street bends: a point ``z`` metres ahead moves
            ``curve * z**2`` metres to the right. Defaults to 0.
        sun (tuple): Unit vector towards the sun. Defaults to overhead.
    """

    def __init__(self, curve: float = 0.0, sun=(0.0, 1.0, 0.0)) -> None:
        self.curve = curve
        self.sun = np.asarray(sun, np.float32)
        self.points: list[np.ndarray] = []
        self.labels: list[int] = []
        self.colours: list[Sequence[float]] = []
        self.textures: list[Texture] = []
        self.depths: list[float] = []
        self.insides: list[Sequence[float]] = []
        self.shadows: list[np.ndarray] = []

    def add(
        self,
        points,
        label: int,
        colour: Sequence[float],
        texture: Texture = PLAIN,
        depth: float | None = None,
        inside: Sequence[float] | None = None,
    ) -> None:
        """Add a flat polygon.

        Args:
            points (array_like): Corners in metres, shape (N, 3), N >= 3.
            label (int): Cityscapes label id.
            colour (Sequence[float]): Reflected RGB, 0 to 1.
            texture (Texture): Defaults to a light grain.
            depth (float, optional): The painter goes from large to small;
                polygons of one depth keep their order. Defaults to the mean
                z of the corners.
            inside (Sequence[float], optional): A point inside the body the
                polygon bounds; faces turned away are then left out.
        """
        points = np.array(points, np.float32)
        if depth is None:
            depth = float(points[:, 2].mean())
        if inside is None:
            inside = (np.nan, np.nan, np.nan)
        else:
            x, y, z = inside
            inside = (x + self.curve * z * z, y, z)
        points[:, 0] += self.curve * points[:, 2] ** 2
        self.points.append(points)
        self.labels.append(label)
        self.colours.append(colour)
        self.textures.append(texture)
        self.depths.append(depth)
        self.insides.append(inside)

    def add_shadow(self, footprint, height: float) -> None:
        """Let an upright body of ``footprint`` throw a shadow.

        Args:
            footprint (array_like): (x, z) in metres, shape (N, 2).
            height (float): Height of the body in metres.
        """
        base = np.array(footprint, np.float32)
        base[:, 0] += self.curve * base[:, 1] ** 2
        reach = -self.sun[[0, 2]] / max(self.sun[1], 0.2) * height
        self.shadows.append(np.concatenate([base, base + reach]))

    def strip(
        self,
        left: float,
        right: float,
        height: float,
        label: int,
        colour: Sequence[float],
        texture: Texture = PLAIN,
        start: float = -4.0,
        end: float = 260.0,
    ) -> None:
        """Add a band of ground along the street, ``left`` to ``right``."""
        step = np.linspace(0, 1, 2 if self.curve == 0 else 14) ** 2
        z = start + (end - start) * step
        sides = [
            np.stack([np.full_like(z, x), np.full_like(z, height), z], 1)
            for x in (left, right)
        ]
        self.add(
            np.concatenate([sides[0], sides[1][::-1]]),
            label,
            colour,
            texture,
            BEHIND,
        )

    def wall(
        self,
        x: float,
        start: float,
        end: float,
        height: float,
        label: int,
        colour: Sequence[float],
        texture: Texture = PLAIN,
        base: float = 0.0,
        piece: float = 6.0,
    ) -> None:
        """Add an upright face along the street, in pieces the painter sorts.

        Args:
            x (float): Lateral position in metres.
            start (float): Nearer end, z in metres.
            end (float): Farther end.
            height (float): Upper edge in metres.
            label (int): Cityscapes label id.
            colour (Sequence[float]): RGB.
            texture (Texture): Its texture.
            base (float): Lower edge in metres. Defaults to 0.
            piece (float): Longest piece in metres. Defaults to 6.
        """
        count = max(1, int(np.ceil((end - start) / piece)))
        edges = np.linspace(start, end, count + 1)
        for near, far in zip(edges[:-1], edges[1:]):
            self.add(
                [
                    (x, base, near),
                    (x, height, near),
                    (x, height, far),
                    (x, base, far),
                ],
                label,
                colour,
                texture,
            )

    def ground_mask(self) -> np.ndarray:
        """Return which polygons lie on the ground (and take shadows)."""
        ground = (labels.ROAD, labels.SIDEWALK, labels.TERRAIN)
        return np.isin(self.labels, ground) & (
            np.asarray(self.depths) >= BEHIND
        )
