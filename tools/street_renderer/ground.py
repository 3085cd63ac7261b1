"""Lays the ground of a street, and closes the view at its end."""

import numpy as np

from street_renderer import labels
from street_renderer.furniture import blob
from street_renderer.scene import BEHIND, NOISE, TILES, Texture
from street_renderer.street import Street


def add_backdrop(street: Street) -> None:
    """Put distant houses and trees behind everything."""
    rng, scene = street.rng, street.scene
    for x in np.arange(-150, 150, 14):
        x = x + rng.uniform(-6, 6)
        z, height = rng.uniform(170, 250), rng.uniform(5, 26)
        half = rng.uniform(6, 14)
        kind = rng.random()
        if kind < 0.45:
            blob(
                scene,
                rng,
                x,
                height * 0.2,
                z,
                half,
                height * 0.5,
                street.colour('leaves'),
                BEHIND,
            )
            continue
        label = labels.BUILDING if kind < 0.93 else labels.UNLABELED
        scene.add(
            [
                (x - half, 0, z),
                (x - half, height, z),
                (x + half, height, z),
                (x + half, 0, z),
            ],
            label,
            street.colour('building'),
            depth=BEHIND,
        )


def add_ground(street: Street) -> None:
    """Lay asphalt, sidewalks, verges and paint."""
    rng, scene = street.rng, street.scene
    asphalt = street.colour('road')
    tar = Texture(NOISE, rng.uniform(0.05, 0.14), rng.choice([0.03, 0.1]))
    soil = Texture(NOISE, 0.22, 0.15)
    scene.strip(-120, 120, 0, labels.TERRAIN, street.colour('terrain'), soil)
    scene.strip(
        -street.kerbs[0], street.kerbs[1], 0, labels.ROAD, asphalt, tar
    )
    for side in (0, 1):
        _edge(street, side, soil)
    if street.junction is not None:
        start, end = street.junction
        scene.add(
            [(-90, 0, start), (90, 0, start), (90, 0, end), (-90, 0, end)],
            labels.ROAD,
            asphalt,
            tar,
            BEHIND,
        )
    for _ in range(rng.poisson(3)):
        x, z = (
            rng.uniform(-street.kerbs[0], street.kerbs[1]),
            rng.uniform(4, 40),
        )
        w, d = rng.uniform(0.3, 1.5), rng.uniform(0.5, 6)
        _mark(street, x, w, z, z + d, asphalt * rng.uniform(0.7, 1.25), tar)
    _markings(street)


def _edge(street: Street, side, soil):
    """Lay kerb, sidewalk, verge and yard of one side."""
    rng, scene = street.rng, street.scene
    kerb, out = street.kerbs[side], street.kerbs[side] + street.walks[side]
    stone = street.colour('sidewalk')
    slabs = Texture(TILES, 0.07, 0.1, *rng.uniform(0.4, 1.2, 2), stone * 0.75)
    x = [
        street.side_x(side, d)
        for d in (kerb, kerb + 0.2, out, street.fronts[side])
    ]
    # Lower layers are seen where no raised edge hides them.
    scene.strip(*sorted((x[0], x[2])), 0, labels.SIDEWALK, stone * 0.5)
    scene.strip(*sorted(x[:2]), 0.08, labels.SIDEWALK, stone * 0.75)
    scene.strip(*sorted(x[1:3]), 0.12, labels.SIDEWALK, stone, slabs)
    if street.verges[side]:
        scene.strip(
            *sorted(x[2:]),
            0.12,
            labels.TERRAIN,
            street.colour('terrain'),
            soil,
        )
    if street.chance(0.7):
        beyond = street.side_x(side, street.fronts[side] + 5)
        scene.strip(
            *sorted((x[3], beyond)), 0.12, labels.SIDEWALK, stone, slabs
        )


def _mark(street, x, width, start, end, colour, texture=Texture(NOISE, 0.15)):
    street.scene.add(
        [
            (x, 0, start),
            (x + width, 0, start),
            (x + width, 0, end),
            (x, 0, end),
        ],
        labels.ROAD,
        colour,
        texture,
        BEHIND,
    )


def _markings(street: Street):
    white = np.full(3, street.rng.uniform(0.45, 0.75))
    if street.tram:
        for x in (-2.3, -0.9):
            street.scene.strip(x, x + 0.1, 0, labels.ROAD, white * 0.5)
    elif street.chance(0.8):
        street.scene.strip(-0.08, 0.08, 0, labels.ROAD, white)
    for i in range(1, street.lanes):
        for x in (-i * street.lane, i * street.lane):
            for z in np.arange(street.rng.uniform(2, 8), 70, 8):
                _mark(street, x, 0.13, z, z + 3, white)
    if street.junction is not None:
        z = street.junction[0] - 1
        _mark(street, 0, street.kerbs[1], z, z + 0.4, white)
        if street.chance(0.4):
            for x in np.arange(-street.kerbs[0] + 0.3, street.kerbs[1], 1.1):
                _mark(street, x, 0.55, z - 4.5, z - 1.2, white)
