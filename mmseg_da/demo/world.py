"""The world model: what a street is made of and what happens on it."""

import numpy as np

from . import labels, objects
from .cameras import Domain
from .scene import BEHIND, NOISE, STRIPES, TILES, WINDOWS, Scene, Texture

_FAR = 130.0
_SKIN = ((0.55, 0.33, 0.22), (0.35, 0.19, 0.11), (0.12, 0.06, 0.04))


class _Street:
    """Samples one street into a scene, from the ground upwards."""

    def __init__(self, domain: Domain, rng: np.random.Generator) -> None:
        self.rng, self.domain, self.layout = rng, domain, domain.layout
        elevation = rng.uniform(*domain.light.elevation)
        azimuth = rng.uniform(0, 2 * np.pi)
        flat = np.cos(elevation)
        self.scene = Scene(
            rng.normal() * self.layout.curve,
            (
                flat * np.sin(azimuth),
                np.sin(elevation),
                flat * np.cos(azimuth),
            ),
        )
        self.lane = rng.uniform(*self.layout.lane_width)
        self.lanes = int(rng.choice(self.layout.lanes))
        self.parking = rng.random(2) < self.layout.parking_chance
        kerb = self.lanes * self.lane
        self.kerbs = kerb + 2.1 * self.parking
        self.walks = rng.uniform(*self.layout.sidewalk, 2)
        self.verges = np.where(
            rng.random(2) < self.layout.verge_chance, rng.uniform(1, 4, 2), 0
        )
        self.fronts = self.kerbs + self.walks + self.verges
        self.junction = None
        if rng.random() < self.layout.junction_chance:
            start = rng.uniform(14, 60)
            self.junction = start, start + rng.uniform(6, 12)
        tram = rng.random() < 1 - np.exp(-self.layout.counts['train'])
        self.tram = tram

    def colour(self, material):
        return self.domain.colour(self.rng, material)

    def count(self, what):
        return int(self.rng.poisson(self.layout.counts[what]))

    def chance(self, probability):
        return self.rng.random() < probability

    def side_x(self, side, distance):
        """Lateral position ``distance`` metres out on a side (0 left)."""
        return distance if side else -distance

    def clear(self, z, margin=0.5):
        """Whether z is not on the side street."""
        if self.junction is None:
            return True
        start, end = self.junction
        return not start - margin < z < end + margin

    # Ground -----------------------------------------------------------------

    def backdrop(self):
        rng, scene = self.rng, self.scene
        for x in np.arange(-150, 150, 14):
            x = x + rng.uniform(-6, 6)
            z, height = rng.uniform(170, 250), rng.uniform(5, 26)
            half = rng.uniform(6, 14)
            kind = rng.random()
            if kind < 0.45:
                objects.blob(
                    scene,
                    rng,
                    x,
                    height * 0.2,
                    z,
                    half,
                    height * 0.5,
                    self.colour('leaves'),
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
                self.colour('building'),
                depth=BEHIND,
            )

    def ground(self):
        rng, scene = self.rng, self.scene
        asphalt = self.colour('road')
        tar = Texture(NOISE, rng.uniform(0.05, 0.14), rng.choice([0.03, 0.1]))
        soil = Texture(NOISE, 0.22, 0.15)
        scene.strip(-120, 120, 0, labels.TERRAIN, self.colour('terrain'), soil)
        scene.strip(
            -self.kerbs[0], self.kerbs[1], 0, labels.ROAD, asphalt, tar
        )
        for side in (0, 1):
            self.edge(side, soil)
        if self.junction is not None:
            start, end = self.junction
            scene.add(
                [(-90, 0, start), (90, 0, start), (90, 0, end), (-90, 0, end)],
                labels.ROAD,
                asphalt,
                tar,
                BEHIND,
            )
        for _ in range(rng.poisson(3)):
            x, z = (
                rng.uniform(-self.kerbs[0], self.kerbs[1]),
                rng.uniform(4, 40),
            )
            w, d = rng.uniform(0.3, 1.5), rng.uniform(0.5, 6)
            self.mark(x, w, z, z + d, asphalt * rng.uniform(0.7, 1.25), tar)
        self.markings()

    def edge(self, side, soil):
        """Kerb, sidewalk, verge and the yard of one side."""
        rng, scene = self.rng, self.scene
        kerb, out = self.kerbs[side], self.kerbs[side] + self.walks[side]
        stone = self.colour('sidewalk')
        slabs = Texture(
            TILES, 0.07, 0.1, *rng.uniform(0.4, 1.2, 2), stone * 0.75
        )
        x = [
            self.side_x(side, d)
            for d in (kerb, kerb + 0.2, out, self.fronts[side])
        ]
        # Lower layers show where a raised edge hides none of them.
        scene.strip(*sorted((x[0], x[2])), 0, labels.SIDEWALK, stone * 0.5)
        scene.strip(*sorted(x[:2]), 0.08, labels.SIDEWALK, stone * 0.75)
        scene.strip(*sorted(x[1:3]), 0.12, labels.SIDEWALK, stone, slabs)
        if self.verges[side]:
            scene.strip(
                *sorted(x[2:]),
                0.12,
                labels.TERRAIN,
                self.colour('terrain'),
                soil,
            )
        if self.chance(0.7):
            beyond = self.side_x(side, self.fronts[side] + 5)
            scene.strip(
                *sorted((x[3], beyond)), 0.12, labels.SIDEWALK, stone, slabs
            )

    def mark(self, x, width, start, end, colour, texture=Texture(NOISE, 0.15)):
        self.scene.add(
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

    def markings(self):
        white = np.full(3, self.rng.uniform(0.45, 0.75))
        centre = white
        if self.layout.left_marking == 'yellow':
            centre = white * (1.05, 0.75, 0.15)
        if self.tram:
            for x in (-2.3, -0.9):
                self.scene.strip(x, x + 0.1, 0, labels.ROAD, white * 0.5)
        elif self.chance(0.8):
            self.scene.strip(-0.08, 0.08, 0, labels.ROAD, centre)
        for i in range(1, self.lanes):
            for x in (-i * self.lane, i * self.lane):
                for z in np.arange(self.rng.uniform(2, 8), 70, 8):
                    self.mark(x, 0.13, z, z + 3, white)
        if self.junction is not None:
            z = self.junction[0] - 1
            self.mark(0, self.kerbs[1], z, z + 0.4, white)
            if self.chance(0.4):
                for x in np.arange(-self.kerbs[0] + 0.3, self.kerbs[1], 1.1):
                    self.mark(x, 0.55, z - 4.5, z - 1.2, white)

    # Frontage ---------------------------------------------------------------

    def frontage(self, side):
        rng, layout = self.rng, self.layout
        kinds = list(layout.frontage)
        chances = np.array(list(layout.frontage.values()))
        z = rng.uniform(-6, -2)
        while z < _FAR:
            end = z + rng.uniform(9, 22)
            if self.junction is not None:
                start, stop = self.junction
                if start - 3 <= z < stop + 1.5:
                    z = stop + 1.5
                    continue
                if z < start - 1.5 < end:
                    end = start - 1.5
            kind = rng.choice(kinds, p=chances / chances.sum())
            x = self.fronts[side] + rng.uniform(*layout.setback)
            getattr(self, f'add_{kind}')(side, x, z, end)
            z = end + (rng.uniform(0.5, 3) if self.chance(0.25) else 0)

    def add_building(self, side, distance, start, end):
        rng, scene = self.rng, self.scene
        storey = rng.uniform(2.8, 3.6)
        floors = int(rng.integers(*self.layout.floors, endpoint=True))
        height = storey * floors + rng.uniform(0.3, 1.5)
        paint, pane = self.colour('building'), self.colour('pane')
        windows = Texture(
            WINDOWS,
            0.08,
            rng.uniform(0.1, 0.6),
            rng.uniform(1.6, 3.2),
            storey,
            pane,
        )
        x = self.side_x(side, distance)
        scene.wall(x, start, end, height, labels.BUILDING, paint, windows)
        if self.chance(0.4):
            scene.wall(
                x,
                start,
                end,
                storey * 0.85,
                labels.BUILDING,
                self.colour('building'),
                Texture(
                    WINDOWS, 0.1, 0.3, rng.uniform(2.5, 4), storey * 0.85, pane
                ),
            )
        back = self.side_x(side, distance + rng.uniform(8, 12))
        scene.add(
            [
                (x, 0, start),
                (x, height, start),
                (back, height, start),
                (back, 0, start),
            ],
            labels.BUILDING,
            paint * 0.9,
            windows
            if self.chance(0.5)
            else Texture(grain=0.08, grain_size=0.4),
        )
        scene.add_shadow(
            [(x, start), (back, start), (back, end), (x, end)], height
        )

    def add_greenery(self, side, distance, start, end):
        rng, scene = self.rng, self.scene
        leaves = self.colour('leaves')
        step = rng.uniform(2, 4)
        tall = rng.uniform(1.2, 7)
        for z in np.arange(start, end, step):
            for height in (tall, tall * 0.4):
                size = height * rng.uniform(0.8, 1.2)
                x = self.side_x(
                    side, distance + step * 0.7 + rng.uniform(0, 0.5) * size
                )
                objects.blob(
                    scene,
                    rng,
                    x,
                    size * 0.45,
                    z,
                    step * 0.9,
                    size * 0.6,
                    leaves * rng.uniform(0.7, 1.3),
                )

    def add_wall(self, side, distance, start, end):
        height = self.rng.uniform(1.4, 3.2)
        paint = self.colour('wall')
        bricks = Texture(
            TILES, 0.12, 0.15, *self.rng.uniform(0.3, 1, 2), paint * 0.7
        )
        x = self.side_x(side, distance)
        self.scene.wall(x, start, end, height, labels.WALL, paint, bricks)
        self.scene.add(
            [
                (x, 0, start),
                (x, height, start),
                (x + np.sign(x) * 0.4, height, start),
                (x + np.sign(x) * 0.4, 0, start),
            ],
            labels.WALL,
            paint,
        )
        self.behind(side, distance + 4, start, end)

    def add_fence(self, side, distance, start, end):
        rng, paint = self.rng, self.colour('fence')
        gap = self.colour('leaves') if self.chance(0.5) else paint * 0.35
        slats = Texture(STRIPES, 0.1, 0.1, rng.uniform(0.15, 0.5), 1, gap)
        x = self.side_x(side, distance)
        self.scene.wall(
            x, start, end, rng.uniform(1.0, 2.0), labels.FENCE, paint, slats
        )
        self.behind(side, distance + 5, start, end)

    def add_open(self, side, distance, start, end):
        self.behind(side, distance + 12, start, end)

    def behind(self, side, distance, start, end):
        """What overlooks a wall, a fence or a lawn: a house or trees."""
        if self.chance(0.5):
            self.add_building(side, distance, start, end)
            return
        for z in np.arange(start, end, 5):
            self.plant(self.side_x(side, distance), z)

    # Objects ----------------------------------------------------------------

    def plant(self, x, z):
        rng = self.rng
        objects.tree(
            self.scene,
            rng,
            x + rng.uniform(-0.5, 0.5),
            z,
            rng.uniform(4.5, 9),
            rng.uniform(1.4, 2.8),
            self.colour('trunk'),
            self.colour('leaves'),
        )

    def look(self):
        skin = np.array(_SKIN[int(self.rng.choice(3, p=(0.6, 0.25, 0.15)))])
        hair = skin * self.rng.uniform(0.1, 1.0)
        return skin, hair, self.colour('cloth'), self.colour('cloth')

    def walk_x(self, side, low=0.4, high=1.0):
        """A lateral position on a sidewalk, as a share of its width."""
        return self.side_x(
            side,
            self.kerbs[side] + self.walks[side] * self.rng.uniform(low, high),
        )

    def furniture(self):
        """Trees, lamp posts, signs, lights and clutter at the kerb."""
        rng, scene, layout = self.rng, self.scene, self.layout
        grey = self.colour('pole')
        for side in (0, 1):
            edge = self.side_x(side, self.kerbs[side] + 0.5)
            spacing = rng.uniform(*layout.tree_spacing)
            for z in np.arange(rng.uniform(5, 5 + spacing), 100, spacing):
                if self.clear(z, 3):
                    self.plant(edge, z)
            spacing = rng.uniform(*layout.pole_spacing)
            arm = -np.sign(edge) * rng.uniform(1, 2.5)
            height = rng.uniform(5, 9)
            for z in np.arange(rng.uniform(4, 4 + spacing), 110, spacing):
                if self.clear(z):
                    objects.pole(scene, rng, edge, z, height, grey, arm)
        for _ in range(self.count('sign')):
            side = rng.integers(2)
            objects.sign(
                scene,
                rng,
                self.walk_x(side, 0.05, 0.3),
                rng.uniform(9, 45),
                grey,
                self.colour('sign'),
                self.colour('sign'),
            )
        if self.junction is not None and self.chance(0.8):
            for side in (0, 1):
                x = self.side_x(side, self.kerbs[side] + 0.4)
                arm = -np.sign(x) * rng.uniform(2, 4) * self.chance(0.5)
                for z in (self.junction[0] - 0.8, self.junction[1] + 0.5):
                    objects.traffic_light(scene, rng, x, z, grey, arm)
        for _ in range(self.count('clutter')):
            label = labels.STATIC if self.chance(0.8) else labels.DYNAMIC
            objects.clutter(
                scene,
                rng,
                self.walk_x(rng.integers(2), 0.6),
                rng.uniform(5, 45),
                self.colour('clutter'),
                label,
            )

    def parked(self):
        rng = self.rng
        for side in (0, 1):
            if not self.parking[side]:
                continue
            x = self.side_x(side, self.kerbs[side] - 1.05)
            fill = rng.uniform(0.1, 0.7)
            for z in np.arange(rng.uniform(5, 14), 100, 5.8):
                if not self.clear(z, 3) or not self.chance(fill):
                    continue
                heading = 0 if side or self.chance(0.3) else np.pi
                objects.car(
                    self.scene,
                    rng,
                    x,
                    z + rng.uniform(-0.3, 0.3),
                    heading + rng.normal() * 0.03,
                    self.colour('paint'),
                )

    def traffic(self):
        """Vehicles in the lanes, each with room of its own."""
        rng, scene = self.rng, self.scene
        taken = []

        def room(length, nearest):
            for _ in range(8):
                lane = int(rng.integers(2 * self.lanes)) - self.lanes
                if self.tram and lane == -1:
                    continue
                z = nearest + rng.exponential(22)
                ends = lane, z - 1.5, z + length + 1.5
                if z < 100 and all(
                    lane != o[0] or ends[1] > o[2] or ends[2] < o[1]
                    for o in taken
                ):
                    taken.append(ends)
                    heading = (0 if lane >= 0 else np.pi) + rng.normal() * 0.03
                    return (lane + 0.5) * self.lane, z, heading
            return None

        glass = self.colour('pane') * 0.6
        if self.tram:
            body, band = self.colour('train'), self.colour('train')
            objects.long_vehicle(
                scene,
                labels.TRAIN,
                -1.6,
                12 + rng.exponential(22),
                rng.uniform(18, 30),
                2.4,
                rng.uniform(3.3, 3.7),
                body,
                band * 0.6,
                glass,
            )
        for _ in range(self.count('bus')):
            spot = room(12, 14)
            if spot:
                body, band = self.colour('bus'), self.colour('bus')
                objects.long_vehicle(
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
        for _ in range(self.count('truck')):
            spot = room(9, 12)
            if spot:
                x, z, heading = spot
                objects.truck(
                    scene,
                    rng,
                    x,
                    z + 4,
                    heading,
                    self.colour('paint'),
                    self.colour('load'),
                )
        for _ in range(self.count('car')):
            spot = room(5, 8)
            if spot:
                x, z, heading = spot
                objects.car(
                    scene, rng, x, z + 2, heading, self.colour('paint')
                )

    def people(self):
        rng, scene = self.rng, self.scene
        for _ in range(self.count('person')):
            z = 7 + rng.exponential(16)
            x = self.walk_x(rng.integers(2), 0.25, 0.95)
            if self.chance(0.12):
                x = rng.uniform(-self.kerbs[0], self.kerbs[1])
                z += 8
            for friend in range(1 + self.chance(0.3)):
                objects.person(scene, rng, x + 0.6 * friend, z, self.look())
        for _ in range(self.count('rider')):
            label = labels.BICYCLE if self.chance(0.65) else labels.MOTORCYCLE
            side = rng.integers(2)
            x = self.side_x(
                side,
                self.kerbs[side]
                - 2.1 * self.parking[side]
                - rng.uniform(0.5, 1.5),
            )
            objects.two_wheeler(
                scene,
                rng,
                x,
                8 + rng.exponential(14),
                self.colour('paint'),
                label,
                self.look(),
            )
        for label, name in (
            (labels.BICYCLE, 'bicycle'),
            (labels.MOTORCYCLE, 'motorcycle'),
        ):
            for _ in range(self.count(name)):
                objects.two_wheeler(
                    scene,
                    rng,
                    self.walk_x(rng.integers(2), 0.1, 0.9),
                    5 + rng.exponential(14),
                    self.colour('paint'),
                    label,
                )


def sample_scene(domain: Domain, rng: np.random.Generator):
    """Sample a street scene of a domain.

    Args:
        domain (Domain): Its statistics and materials.
        rng (np.random.Generator): Source of all chance.

    Returns:
        tuple: The :class:`~.scene.Scene` and the camera's lateral position
        in metres, in the middle of a lane of the right half.
    """
    street = _Street(domain, rng)
    street.backdrop()
    street.ground()
    for side in (0, 1):
        street.frontage(side)
    street.furniture()
    street.parked()
    street.traffic()
    street.people()
    lane = int(rng.integers(street.lanes))
    return street.scene, (lane + 0.5) * street.lane + rng.normal() * 0.2
