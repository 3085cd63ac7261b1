"""The world model: samples a street scene for either domain."""

import numpy as np

from street_renderer.cameras import Domain
from street_renderer.frontage import add_frontage
from street_renderer.ground import add_backdrop, add_ground
from street_renderer.population import (
    add_furniture,
    add_parked,
    add_people,
    add_traffic,
)
from street_renderer.street import Street


def sample_scene(domain: Domain, rng: np.random.Generator):
    """Sample a street scene of a domain.

    Args:
        domain (Domain): Its light and materials.
        rng (np.random.Generator): Source of all chance.

    Returns:
        tuple: The :class:`~.scene.Scene` and the camera's lateral position
        in metres, in the middle of a lane of the right half.
    """
    street = Street(domain, rng)
    add_backdrop(street)
    add_ground(street)
    for side in (0, 1):
        add_frontage(street, side)
    add_furniture(street)
    add_parked(street)
    add_traffic(street)
    add_people(street)
    lane = int(rng.integers(street.lanes))
    return street.scene, (lane + 0.5) * street.lane + rng.normal() * 0.2
