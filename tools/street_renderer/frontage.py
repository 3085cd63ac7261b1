"""Lines a street with buildings, greenery, walls, fences and lawns."""

import numpy as np

from street_renderer import labels, layout
from street_renderer.furniture import blob
from street_renderer.scene import STRIPES, TILES, WINDOWS, Texture
from street_renderer.street import Street

_FAR = 130.0


def add_frontage(street: Street, side: int) -> None:
    """Line one side of the street (0 left, 1 right)."""
    rng = street.rng
    kinds = list(layout.FRONTAGE)
    chances = np.array(list(layout.FRONTAGE.values()))
    z = rng.uniform(-6, -2)
    while z < _FAR:
        end = z + rng.uniform(9, 22)
        if street.junction is not None:
            start, stop = street.junction
            if start - 3 <= z < stop + 1.5:
                z = stop + 1.5
                continue
            if z < start - 1.5 < end:
                end = start - 1.5
        kind = rng.choice(kinds, p=chances / chances.sum())
        x = street.fronts[side] + rng.uniform(*layout.SETBACK)
        _BUILDERS[kind](street, side, x, z, end)
        z = end + (rng.uniform(0.5, 3) if street.chance(0.25) else 0)


def _building(street: Street, side, distance, start, end):
    rng, scene = street.rng, street.scene
    storey = rng.uniform(2.8, 3.6)
    floors = int(rng.integers(*layout.FLOORS, endpoint=True))
    height = storey * floors + rng.uniform(0.3, 1.5)
    paint, pane = street.colour('building'), street.colour('pane')
    windows = Texture(
        WINDOWS,
        0.08,
        rng.uniform(0.1, 0.6),
        rng.uniform(1.6, 3.2),
        storey,
        pane,
    )
    x = street.side_x(side, distance)
    scene.wall(x, start, end, height, labels.BUILDING, paint, windows)
    if street.chance(0.4):
        scene.wall(
            x,
            start,
            end,
            storey * 0.85,
            labels.BUILDING,
            street.colour('building'),
            Texture(
                WINDOWS, 0.1, 0.3, rng.uniform(2.5, 4), storey * 0.85, pane
            ),
        )
    back = street.side_x(side, distance + rng.uniform(8, 12))
    scene.add(
        [
            (x, 0, start),
            (x, height, start),
            (back, height, start),
            (back, 0, start),
        ],
        labels.BUILDING,
        paint * 0.9,
        windows if street.chance(0.5) else Texture(grain=0.08, grain_size=0.4),
    )
    scene.add_shadow(
        [(x, start), (back, start), (back, end), (x, end)], height
    )


def _greenery(street: Street, side, distance, start, end):
    rng, scene = street.rng, street.scene
    leaves = street.colour('leaves')
    step = rng.uniform(2, 4)
    tall = rng.uniform(1.2, 7)
    for z in np.arange(start, end, step):
        for height in (tall, tall * 0.4):
            size = height * rng.uniform(0.8, 1.2)
            x = street.side_x(
                side, distance + step * 0.7 + rng.uniform(0, 0.5) * size
            )
            blob(
                scene,
                rng,
                x,
                size * 0.45,
                z,
                step * 0.9,
                size * 0.6,
                leaves * rng.uniform(0.7, 1.3),
            )


def _wall(street: Street, side, distance, start, end):
    height = street.rng.uniform(1.4, 3.2)
    paint = street.colour('wall')
    bricks = Texture(
        TILES, 0.12, 0.15, *street.rng.uniform(0.3, 1, 2), paint * 0.7
    )
    x = street.side_x(side, distance)
    street.scene.wall(x, start, end, height, labels.WALL, paint, bricks)
    street.scene.add(
        [
            (x, 0, start),
            (x, height, start),
            (x + np.sign(x) * 0.4, height, start),
            (x + np.sign(x) * 0.4, 0, start),
        ],
        labels.WALL,
        paint,
    )
    _behind(street, side, distance + 4, start, end)


def _fence(street: Street, side, distance, start, end):
    rng, paint = street.rng, street.colour('fence')
    gap = street.colour('leaves') if street.chance(0.5) else paint * 0.35
    slats = Texture(STRIPES, 0.1, 0.1, rng.uniform(0.15, 0.5), 1, gap)
    x = street.side_x(side, distance)
    street.scene.wall(
        x, start, end, rng.uniform(1.0, 2.0), labels.FENCE, paint, slats
    )
    _behind(street, side, distance + 5, start, end)


def _open(street: Street, side, distance, start, end):
    _behind(street, side, distance + 12, start, end)


def _behind(street: Street, side, distance, start, end):
    """Put a house or trees behind a wall, a fence or a lawn."""
    if street.chance(0.5):
        _building(street, side, distance, start, end)
        return
    for z in np.arange(start, end, 5):
        street.plant(street.side_x(side, distance), z)


_BUILDERS = {
    'building': _building,
    'greenery': _greenery,
    'wall': _wall,
    'fence': _fence,
    'open': _open,
}
