"""Fills a street with furniture, vehicles and people."""

import numpy as np

from street_renderer import furniture, labels, layout, people, vehicles
from street_renderer.street import Street

_SKIN = ((0.55, 0.33, 0.22), (0.35, 0.19, 0.11), (0.12, 0.06, 0.04))


def _look(street: Street):
    skin = np.array(_SKIN[int(street.rng.choice(3, p=(0.6, 0.25, 0.15)))])
    hair = skin * street.rng.uniform(0.1, 1.0)
    return skin, hair, street.colour('cloth'), street.colour('cloth')


def add_furniture(street: Street) -> None:
    """Put trees, lamp posts, signs, lights and clutter at the kerb."""
    rng, scene = street.rng, street.scene
    grey = street.colour('pole')
    for side in (0, 1):
        edge = street.side_x(side, street.kerbs[side] + 0.5)
        spacing = rng.uniform(*layout.TREE_SPACING)
        for z in np.arange(rng.uniform(5, 5 + spacing), 100, spacing):
            if street.clear(z, 3):
                street.plant(edge, z)
        spacing = rng.uniform(*layout.POLE_SPACING)
        arm = -np.sign(edge) * rng.uniform(1, 2.5)
        height = rng.uniform(5, 9)
        for z in np.arange(rng.uniform(4, 4 + spacing), 110, spacing):
            if street.clear(z):
                furniture.pole(scene, rng, edge, z, height, grey, arm)
    for _ in range(street.count('sign')):
        side = rng.integers(2)
        furniture.sign(
            scene,
            rng,
            street.walk_x(side, 0.05, 0.3),
            rng.uniform(9, 45),
            grey,
            street.colour('sign'),
            street.colour('sign'),
        )
    if street.junction is not None and street.chance(0.8):
        for side in (0, 1):
            x = street.side_x(side, street.kerbs[side] + 0.4)
            arm = -np.sign(x) * rng.uniform(2, 4) * street.chance(0.5)
            for z in (street.junction[0] - 0.8, street.junction[1] + 0.5):
                furniture.traffic_light(scene, rng, x, z, grey, arm)
    for _ in range(street.count('clutter')):
        label = labels.STATIC if street.chance(0.8) else labels.DYNAMIC
        furniture.clutter(
            scene,
            rng,
            street.walk_x(rng.integers(2), 0.6),
            rng.uniform(5, 45),
            street.colour('clutter'),
            label,
        )


def add_parked(street: Street) -> None:
    """Fill the parking lanes."""
    rng = street.rng
    for side in (0, 1):
        if not street.parking[side]:
            continue
        x = street.side_x(side, street.kerbs[side] - 1.05)
        fill = rng.uniform(0.1, 0.7)
        for z in np.arange(rng.uniform(5, 14), 100, 5.8):
            if not street.clear(z, 3) or not street.chance(fill):
                continue
            heading = 0 if side or street.chance(0.3) else np.pi
            vehicles.car(
                street.scene,
                rng,
                x,
                z + rng.uniform(-0.3, 0.3),
                heading + rng.normal() * 0.03,
                street.colour('paint'),
            )


def add_traffic(street: Street) -> None:
    """Put vehicles in the lanes so that none touches another."""
    rng, scene = street.rng, street.scene
    taken = []

    def room(length, nearest):
        for _ in range(8):
            lane = int(rng.integers(2 * street.lanes)) - street.lanes
            if street.tram and lane == -1:
                continue
            z = nearest + rng.exponential(22)
            ends = lane, z - 1.5, z + length + 1.5
            if z < 100 and all(
                lane != o[0] or ends[1] > o[2] or ends[2] < o[1] for o in taken
            ):
                taken.append(ends)
                heading = (0 if lane >= 0 else np.pi) + rng.normal() * 0.03
                return (lane + 0.5) * street.lane, z, heading
        return None

    glass = street.colour('pane') * 0.6
    if street.tram:
        body, band = street.colour('train'), street.colour('train')
        vehicles.long_vehicle(
            scene,
            labels.TRAIN,
            -1.6,
            15 + rng.exponential(24),
            rng.uniform(18, 30),
            2.4,
            rng.uniform(3.3, 3.7),
            body,
            band * 0.6,
            glass,
        )
    for _ in range(street.count('bus')):
        spot = room(12, 14)
        if spot:
            body, band = street.colour('bus'), street.colour('bus')
            vehicles.long_vehicle(
                scene,
                labels.BUS,
                spot[0],
                spot[1],
                rng.uniform(9, 13),
                2.4,
                rng.uniform(2.9, 3.2),
                body,
                band,
                glass,
            )
    for _ in range(street.count('truck')):
        spot = room(9, 12)
        if spot:
            x, z, heading = spot
            vehicles.truck(
                scene,
                rng,
                x,
                z + 4,
                heading,
                street.colour('paint'),
                street.colour('load'),
            )
    for _ in range(street.count('car')):
        spot = room(5, 8)
        if spot:
            x, z, heading = spot
            vehicles.car(scene, rng, x, z + 2, heading, street.colour('paint'))


def add_people(street: Street) -> None:
    """Add people on foot and on two wheels, and parked two-wheelers."""
    rng, scene = street.rng, street.scene
    for _ in range(street.count('person')):
        z = 7 + rng.exponential(16)
        x = street.walk_x(rng.integers(2), 0.25, 0.95)
        if street.chance(0.12):
            x = rng.uniform(-street.kerbs[0], street.kerbs[1])
            z += 8
        for friend in range(1 + street.chance(0.3)):
            people.person(scene, rng, x + 0.6 * friend, z, _look(street))
    for _ in range(street.count('rider')):
        label = labels.BICYCLE if street.chance(0.65) else labels.MOTORCYCLE
        side = rng.integers(2)
        x = street.side_x(
            side,
            street.kerbs[side]
            - 2.1 * street.parking[side]
            - rng.uniform(0.5, 1.5),
        )
        people.two_wheeler(
            scene,
            rng,
            x,
            8 + rng.exponential(14),
            street.colour('paint'),
            label,
            _look(street),
        )
    for label, name in (
        (labels.BICYCLE, 'bicycle'),
        (labels.MOTORCYCLE, 'motorcycle'),
    ):
        for _ in range(street.count(name)):
            people.two_wheeler(
                scene,
                rng,
                street.walk_x(rng.integers(2), 0.1, 0.9),
                5 + rng.exponential(14),
                street.colour('paint'),
                label,
            )
