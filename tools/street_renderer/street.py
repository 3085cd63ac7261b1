"""Samples one street: its sizes, its tram, its side street."""

import numpy as np

from street_renderer import layout
from street_renderer.cameras import Domain
from street_renderer.furniture import tree
from street_renderer.scene import Scene


class Street:
    """The sizes of a street, and the scene that it is drawn into.

    Args:
        domain (Domain): Its light and materials.
        rng (np.random.Generator): Source of all random numbers.
    """

    def __init__(self, domain: Domain, rng: np.random.Generator) -> None:
        self.rng, self.domain = rng, domain
        elevation = rng.uniform(*domain.light.elevation)
        azimuth = rng.uniform(0, 2 * np.pi)
        flat = np.cos(elevation)
        self.scene = Scene(
            rng.normal() * layout.CURVE,
            (
                flat * np.sin(azimuth),
                np.sin(elevation),
                flat * np.cos(azimuth),
            ),
        )
        self.lane = rng.uniform(*layout.LANE_WIDTH)
        self.lanes = int(rng.choice(layout.LANES))
        self.parking = rng.random(2) < layout.PARKING_CHANCE
        kerb = self.lanes * self.lane
        self.kerbs = kerb + 2.1 * self.parking
        self.walks = rng.uniform(*layout.SIDEWALK, 2)
        self.verges = np.where(
            rng.random(2) < layout.VERGE_CHANCE, rng.uniform(1, 4, 2), 0
        )
        self.fronts = self.kerbs + self.walks + self.verges
        self.junction = None
        if rng.random() < layout.JUNCTION_CHANCE:
            start = rng.uniform(14, 60)
            self.junction = start, start + rng.uniform(6, 12)
        tram = rng.random() < 1 - np.exp(-layout.COUNTS['train'])
        self.tram = tram

    def colour(self, material):
        return self.domain.colour(self.rng, material)

    def count(self, what):
        return int(self.rng.poisson(layout.COUNTS[what]))

    def chance(self, probability):
        return self.rng.random() < probability

    def side_x(self, side, distance):
        """Return the x at ``distance`` metres on a side (0 is left)."""
        return distance if side else -distance

    def clear(self, z, margin=0.5):
        """Check that z is not on the side street."""
        if self.junction is None:
            return True
        start, end = self.junction
        return not start - margin < z < end + margin

    def plant(self, x, z):
        rng = self.rng
        tree(
            self.scene,
            rng,
            x + rng.uniform(-0.5, 0.5),
            z,
            rng.uniform(4.5, 9),
            rng.uniform(1.4, 2.8),
            self.colour('trunk'),
            self.colour('leaves'),
        )

    def walk_x(self, side, low=0.4, high=1.0):
        """Draw a lateral position on a sidewalk, by shares of its width."""
        return self.side_x(
            side,
            self.kerbs[side] + self.walks[side] * self.rng.uniform(low, high),
        )
