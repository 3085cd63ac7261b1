"""What stands and moves on the street, built from a few polygons each."""

from collections.abc import Sequence

import numpy as np

from . import labels
from .scene import NOISE, STRIPES, Scene, Texture

GLASS = Texture(grain=0.25, grain_size=0.5)
_LEAVES = Texture(NOISE, 0.45, 0.12)
_DARK = (0.05, 0.05, 0.055)


def _disc(x: float, y: float, rx: float, ry: float, z: float, n: int = 12):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack(
        [x + rx * np.cos(angle), y + ry * np.sin(angle), np.full(n, z)], 1
    )


def _rect(x0: float, x1: float, y0: float, y1: float, z: float):
    return [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]


def _shade(colour: Sequence[float], factor: float) -> np.ndarray:
    return np.clip(np.asarray(colour) * factor, 0, 1)


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

    def face(self, points, colour, inside=None, texture=GLASS):
        if inside is not None:
            inside = self.world([inside])[0]
        self.scene.add(
            self.world(points), self.label, colour, texture, self.z, inside
        )

    def prism(self, profile, half, side, strips, texture=GLASS):
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
                disc = _disc(axle, radius, radius, radius, 0, 10)
                points = np.stack([np.full(10, b), disc[:, 1], disc[:, 0]], 1)
                self.face(points, _DARK, (0, radius, axle))

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


def car(scene: Scene, rng, x, z, heading, paint, label=labels.CAR) -> None:
    """Add a car: painted body, glazed cabin, wheels and lamps."""
    body = _Body(scene, label, x, z, heading)
    length = rng.uniform(3.7, 4.9)
    half = rng.uniform(0.82, 0.95)
    waist = rng.uniform(0.8, 0.98)
    roof = rng.uniform(1.38, 1.8)
    h = length / 2
    dark, glass = _shade(paint, 0.55), rng.uniform(0.06, 0.2) * np.ones(3)
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
        [_DARK, dark, paint, paint, paint, dark],
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
        body.prism(cab, 1.1, paint, [_DARK, paint, glass, paint, paint])

    def draw_box():
        ribs = Texture(STRIPES, 0.06, 0.4, 0.6, 1, _shade(load, 0.85))
        body.prism(box, 1.22, load, [_DARK] + [load] * 3, ribs)
        body.face(
            [(-1.2, 0.5, -h), (1.2, 0.5, -h), (1.2, 0.9, -h), (-1.2, 0.9, -h)],
            _DARK,
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
    panes = Texture(STRIPES, 0.2, 0.5, 1.6, 1, _shade(paint, 0.7))
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
    scene.add(_rect(left, right, 0.3, height, near), *end, paint, **face)
    scene.add(
        _rect(left, right, low * 0.55, low, near - 0.01), *end, band, **face
    )
    scene.add(
        _rect(left + 0.15, right - 0.15, low, high, near - 0.01),
        *end,
        glass,
        GLASS,
        **face,
    )
    for lamp in (left + 0.3, right - 0.3):
        scene.add(
            _disc(lamp, 0.7, 0.13, 0.13, near - 0.02, 8),
            *end,
            (0.8, 0.1, 0.05),
            **face,
        )


def person(
    scene: Scene, rng, x, z, look, label=labels.PERSON, base=0.0, seated=False
) -> None:
    """Add a person seen upright; ``look`` is (skin, hair, top, legs)."""
    skin, hair, top, legs = look
    s = rng.uniform(0.92, 1.08) * (0.68 if rng.random() < 0.08 else 1)
    stride, turn = rng.uniform(0.03, 0.24) * s, rng.uniform(0.7, 1)
    cloth = Texture(NOISE, 0.2, 0.15)
    hip = (0.5 if seated else 0.86) * s + base
    foot = base + (0.05 if seated else 0)
    if not seated:
        scene.add_shadow(
            [
                (x - 0.2, z - 0.1),
                (x + 0.2, z - 0.1),
                (x + 0.2, z + 0.1),
                (x - 0.2, z + 0.1),
            ],
            1.6,
        )
    for sign in (-1, 1):
        scene.add(
            [
                (x - 0.15 * s, hip, z),
                (x + 0.15 * s, hip, z),
                (x + sign * stride + 0.09 * s, foot, z),
                (x + sign * stride - 0.09 * s, foot, z),
            ],
            label,
            _shade(legs, 1 + 0.12 * sign),
            cloth,
            z,
        )
    w, neck = 0.22 * s * turn, hip + 0.62 * s
    for sign in (-1, 1):
        swing = rng.uniform(0.02, 0.14) * s
        scene.add(
            [
                (x + sign * w, neck, z),
                (x + sign * (w + 0.1 * s), neck - 0.1, z),
                (x + sign * (w + swing), hip - 0.05, z),
                (x + sign * (w + swing - 0.1 * s), hip - 0.05, z),
            ],
            label,
            _shade(top, 0.85),
            cloth,
            z,
        )
    scene.add(
        [
            (x - w * 0.85, hip - 0.08, z),
            (x + w * 0.85, hip - 0.08, z),
            (x + w, neck - 0.06, z),
            (x + 0.4 * w, neck + 0.03, z),
            (x - 0.4 * w, neck + 0.03, z),
            (x - w, neck - 0.06, z),
        ],
        label,
        top,
        cloth,
        z,
    )
    head = neck + 0.15 * s
    scene.add(_disc(x, head, 0.11 * s, 0.14 * s, z, 10), label, skin, depth=z)
    scene.add(
        [
            (x - 0.11 * s, head, z),
            (x + 0.11 * s, head, z),
            (x + 0.08 * s, head + 0.13 * s, z),
            (x - 0.08 * s, head + 0.13 * s, z),
        ],
        label,
        hair,
        depth=z,
    )


def two_wheeler(scene: Scene, rng, x, z, paint, label, look=None) -> None:
    """Add a bicycle or a motorcycle, with a rider if ``look`` is given."""
    motor = label == labels.MOTORCYCLE
    s = rng.uniform(0.35, 1.0)
    radius = 0.31 if motor else 0.34
    reach = (0.7 if motor else 0.55) * s
    scene.add_shadow(
        [
            (x - reach, z - 0.15),
            (x + reach, z - 0.15),
            (x + reach, z + 0.15),
            (x - reach, z + 0.15),
        ],
        0.8,
    )
    for axle in (-reach, reach):
        rim = max(radius * s, 0.09)
        scene.add(
            _disc(x + axle, radius, rim, radius, z), label, _DARK, depth=z
        )
        # Annotators fill the wheel; the street shines through the spokes.
        scene.add(
            _disc(x + axle, radius, rim * 0.75, radius * 0.75, z, 10),
            label,
            (0.1, 0.1, 0.1) if motor else (0.27, 0.27, 0.27),
            Texture(NOISE, 0.4, 0.05),
            z,
        )
    if motor:
        body = [
            (-1.0, 0.75),
            (-0.6, 0.4),
            (0.45, 0.3),
            (0.8, 0.55),
            (0.62, 1.05),
            (0.25, 0.98),
            (0.05, 0.75),
            (-0.6, 0.88),
        ]
    else:
        body = [
            (-0.95, 0.36),
            (-0.15, 0.26),
            (0.55, 0.72),
            (1.0, 0.36),
            (0.72, 0.95),
            (0.6, 1.06),
            (-0.25, 0.84),
            (-0.42, 0.9),
        ]
    wide = 0.62 if motor else 0.58
    scene.add(
        [(x + a * wide * max(s, 0.4), y, z) for a, y in body],
        label,
        paint,
        GLASS,
        z,
    )
    if look is not None:
        person(scene, rng, x - 0.05, z, look, labels.RIDER, 0.36, seated=True)


def tree(scene: Scene, rng, x, z, height, spread, trunk, leaves) -> None:
    """Add a tree: a trunk and blobs of leaves, all vegetation."""
    crown = height * rng.uniform(0.55, 0.68)
    scene.add_shadow(
        [
            (x - spread, z - spread),
            (x + spread, z - spread),
            (x + spread, z + spread),
            (x - spread, z + spread),
        ],
        crown,
    )
    w = 0.03 * height
    scene.add(
        _rect(x - w, x + w, 0, crown, z), labels.VEGETATION, trunk, depth=z
    )
    for i in range(6):
        dx = rng.uniform(-0.6, 0.6) * spread if i else 0
        dy = rng.uniform(-0.3, 0.3) * spread if i else 0
        size = spread * (rng.uniform(0.45, 0.75) if i else 0.85)
        blob(
            scene,
            rng,
            x + dx,
            crown + 0.25 * spread + dy,
            z,
            size,
            size,
            _shade(leaves, rng.uniform(0.75, 1.25) + 0.15 * dy),
        )


def blob(scene: Scene, rng, x, y, z, rx, ry, leaves, depth=None) -> None:
    """Add one rugged patch of leaves."""
    points = _disc(x, y, rx, ry, z, 18)
    points[:, :2] = (x, y) + (points[:, :2] - (x, y)) * rng.uniform(
        0.78, 1.12, (18, 1)
    )
    points[:, 1] = np.maximum(points[:, 1], 0)
    scene.add(
        points,
        labels.VEGETATION,
        leaves,
        _LEAVES,
        z if depth is None else depth,
    )


def pole(scene: Scene, rng, x, z, height, grey, arm=0.0) -> None:
    """Add a lamp post or mast; ``arm`` reaches over the street."""
    w = rng.uniform(0.05, 0.085)
    scene.add(_rect(x - w, x + w, 0, height, z), labels.POLE, grey, depth=z)
    if arm:
        x0, x1 = sorted((x, x + arm))
        scene.add(
            _rect(x0, x1, height - 0.15, height, z),
            labels.POLE,
            grey,
            depth=z,
        )


def traffic_light(scene: Scene, rng, x, z, grey, arm=0.0) -> None:
    """Add a signal on its pole, and one over the lane if it has an arm."""
    height = 5.2 if arm else 2.6
    pole(scene, rng, x, z, height, grey, arm)
    lit = int(rng.integers(3))
    lamps = ((0.95, 0.1, 0.08), (1.0, 0.7, 0.1), (0.1, 0.95, 0.5))
    spots = [(x, 2.9)] + ([(x + arm, 4.9)] if arm else [])
    for cx, cy in spots:
        scene.add(
            _rect(cx - 0.19, cx + 0.19, cy - 0.5, cy + 0.5, z),
            labels.LIGHT,
            (0.05, 0.06, 0.05),
            depth=z,
        )
        for i, lamp in enumerate(lamps):
            scene.add(
                _disc(cx, cy + 0.31 * (1 - i), 0.13, 0.13, z, 8),
                labels.LIGHT,
                lamp if i == lit else _shade(lamp, 0.15),
                depth=z,
            )


def sign(scene: Scene, rng, x, z, grey, face, mark) -> None:
    """Add a traffic sign: disc, triangle or plate, with a mark on it."""
    height = rng.uniform(2.2, 2.7)
    pole(scene, rng, x, z, height + 0.2, grey)
    r = rng.uniform(0.26, 0.36)
    kind = rng.integers(4)
    if kind == 0:
        outer, inner = (_disc(x, height, q, q, z) for q in (r, r * 0.7))
    elif kind == 1:
        outer, inner = (
            [
                (x - q, height - 0.6 * q, z),
                (x + q, height - 0.6 * q, z),
                (x, height + q, z),
            ]
            for q in (r * 1.15, r * 0.75)
        )
    else:
        w, h = (r * 1.5, r) if kind == 2 else (r * 0.85, r)
        outer, inner = (
            _rect(x - w * q, x + w * q, height - h * q, height + h * q, z)
            for q in (1, 0.7)
        )
    scene.add(outer, labels.SIGN, face, depth=z)
    scene.add(inner, labels.SIGN, mark, depth=z)


def clutter(scene: Scene, rng, x, z, colour, label) -> None:
    """Add a void object: a bin, a box or a pram."""
    w, h = rng.uniform(0.25, 0.6), rng.uniform(0.6, 1.3)
    scene.add(_rect(x - w, x + w, 0, h, z), label, colour, GLASS, z)
    scene.add(
        _rect(x - w, x + w, h * 0.8, h, z),
        label,
        _shade(colour, 0.6),
        depth=z,
    )
