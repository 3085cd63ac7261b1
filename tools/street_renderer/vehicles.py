"""Draws vehicles, each of a few extruded outlines."""

import numpy as np

from street_renderer import labels
from street_renderer.scene import STRIPES, Scene, Texture
from street_renderer.shapes import DARK, GLOSSY, disc, rect, shade


class _Body:
    """Local frame of a vehicle: b to its right, y up, a ahead."""

    def __init__(self, scene, label, x, z, heading):
        self.scene, self.label, self.z = scene, label, z
        self.origin = x, z
        self.cos, self.sin = np.cos(heading), np.sin(heading)

    def world(self, points):
        b, y, a = np.asarray(points, float).T
        x, z = self.origin
        return np.stack(
            [
                x + b * self.cos + a * self.sin,
                y,
                z - b * self.sin + a * self.cos,
            ],
            1,
        )

    def face(self, points, colour, inside=None, texture=GLOSSY):
        if inside is not None:
            inside = self.world([inside])[0]
        self.scene.add(
            self.world(points), self.label, colour, texture, self.z, inside
        )

    def prism(self, profile, half, side, strips, texture=GLOSSY):
        """Extrude a convex (a, y) profile over the vehicle's width."""
        profile = np.asarray(profile, float)
        a, y = profile.T
        inside = (0, y.mean(), a.mean())
        following = np.roll(profile, -1, 0)
        for (a0, y0), (a1, y1), colour in zip(profile, following, strips):
            corners = [
                (-half, y0, a0),
                (half, y0, a0),
                (half, y1, a1),
                (-half, y1, a1),
            ]
            self.face(corners, colour, inside, texture)
        for b in (-half, half):
            self.face(
                np.stack([np.full_like(a, b), y, a], 1), side, inside, texture
            )

    def wheels(self, axles, half, radius):
        for b in (-half - 0.02, half + 0.02):
            for axle in axles:
                outline = disc(axle, radius, radius, radius, 0, 10)
                points = np.stack(
                    [np.full(10, b), outline[:, 1], outline[:, 0]], 1
                )
                self.face(points, DARK, (0, radius, axle))

    def lamps(self, half, y, front, rear):
        for a, colour in ((front, (1.0, 0.97, 0.85)), (rear, (0.75, 0, 0))):
            for b in (-half * 0.82, half * 0.82):
                self.face(
                    [
                        (b - 0.16, y - 0.08, a),
                        (b + 0.16, y - 0.08, a),
                        (b + 0.16, y + 0.08, a),
                        (b - 0.16, y + 0.08, a),
                    ],
                    colour,
                    (b, y, a - np.sign(a)),
                )

    def shadow(self, half, length, height):
        corners = [
            (-half, 0, -length / 2),
            (half, 0, -length / 2),
            (half, 0, length / 2),
            (-half, 0, length / 2),
        ]
        self.scene.add_shadow(self.world(corners)[:, [0, 2]], height)


def car(scene: Scene, rng, x, z, heading, paint) -> None:
    """Add a car: painted body, glazed cabin, wheels and lamps."""
    body = _Body(scene, labels.CAR, x, z, heading)
    length = rng.uniform(3.7, 4.9)
    half = rng.uniform(0.82, 0.95)
    waist = rng.uniform(0.8, 0.98)
    roof = rng.uniform(1.38, 1.8)
    h = length / 2
    dark, glass = shade(paint, 0.55), rng.uniform(0.06, 0.2) * np.ones(3)
    body.shadow(half, length, roof * 0.8)
    body.prism(
        [
            (-h, 0.3),
            (h, 0.3),
            (h, waist * 0.8),
            (h * 0.5, waist),
            (-h * 0.9, waist),
            (-h, waist * 0.9),
        ],
        half,
        paint,
        [DARK, dark, paint, paint, paint, dark],
    )
    body.wheels((-h * 0.6, h * 0.62), half, 0.32)
    body.lamps(half, waist * 0.72, h + 0.02, -h - 0.02)
    boot = rng.choice([0.9, 0.65])
    body.prism(
        [
            (-h * boot, waist),
            (h * 0.45, waist),
            (h * 0.12, roof),
            (-h * boot * 0.8, roof),
        ],
        half * 0.88,
        glass,
        [dark, glass, paint, glass],
    )


def truck(scene: Scene, rng, x, z, heading, paint, load) -> None:
    """Add a lorry: a cab and a box."""
    body = _Body(scene, labels.TRUCK, x, z, heading)
    length, height = rng.uniform(6, 9), rng.uniform(2.7, 3.7)
    h = length / 2
    body.shadow(1.2, length, height)
    cab = [(h - 1.9, 0.5), (h, 0.5), (h, 1.5), (h - 0.3, 2.4), (h - 1.9, 2.5)]
    box = [(-h, 0.9), (h - 2, 0.9), (h - 2, height), (-h, height)]

    def draw_cab():
        glass = (0.1, 0.11, 0.13)
        body.prism(cab, 1.1, paint, [DARK, paint, glass, paint, paint])

    def draw_box():
        ribs = Texture(STRIPES, 0.06, 0.4, 0.6, 1, shade(load, 0.85))
        body.prism(box, 1.22, load, [DARK] + [load] * 3, ribs)
        body.face(
            [(-1.2, 0.5, -h), (1.2, 0.5, -h), (1.2, 0.9, -h), (-1.2, 0.9, -h)],
            DARK,
            (0, 0.7, 0),
        )
        body.lamps(1.2, 0.8, h + 0.02, -h - 0.02)

    parts = [draw_cab, draw_box]
    for draw in parts if np.cos(heading) > 0 else parts[::-1]:
        draw()
    body.wheels((-h * 0.7, -h * 0.4, h * 0.65), 1.2, 0.48)


def long_vehicle(
    scene: Scene, label, x, near, length, width, height, paint, band, glass
) -> None:
    """Add a bus or a tram along the street, its nearer end at ``near``."""
    half, far = width / 2, near + length
    centre = (x, height / 2, near + length / 2)
    scene.add_shadow(
        [(x - half, near), (x + half, near), (x + half, far), (x - half, far)],
        height,
    )
    low, high = height * 0.42, height * 0.8
    panes = Texture(STRIPES, 0.2, 0.5, 1.6, 1, shade(paint, 0.7))
    for side in (x - half, x + half):
        # Only the side towards the camera is ever seen, as x = 0 is close
        # to the camera's own lane and the body is longer than wide.
        if abs(side) > abs(2 * x - side):
            continue
        args = (near, far)
        scene.wall(side, *args, height, label, paint, base=0.3)
        scene.wall(side, *args, low, label, band, base=low * 0.55)
        scene.wall(side, *args, high, label, glass, panes, base=low)
    end = (label,)
    face = {'depth': near - 0.01, 'inside': centre}
    left, right = x - half, x + half
    scene.add(rect(left, right, 0.3, height, near), *end, paint, **face)
    scene.add(
        rect(left, right, low * 0.55, low, near - 0.01), *end, band, **face
    )
    scene.add(
        rect(left + 0.15, right - 0.15, low, high, near - 0.01),
        *end,
        glass,
        GLOSSY,
        **face,
    )
    for lamp in (left + 0.3, right - 0.3):
        scene.add(
            disc(lamp, 0.7, 0.13, 0.13, near - 0.02, 8),
            *end,
            (0.8, 0.1, 0.05),
            **face,
        )
