"""Draws objects at the kerb: trees, poles, signs, lights, clutter."""

import numpy as np

from street_renderer import labels
from street_renderer.scene import NOISE, Scene, Texture
from street_renderer.shapes import GLOSSY, disc, rect, shade

_LEAVES = Texture(NOISE, 0.45, 0.12)


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
        rect(x - w, x + w, 0, crown, z), labels.VEGETATION, trunk, depth=z
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
            shade(leaves, rng.uniform(0.75, 1.25) + 0.15 * dy),
        )


def blob(scene: Scene, rng, x, y, z, rx, ry, leaves, depth=None) -> None:
    """Add one rugged patch of leaves."""
    points = disc(x, y, rx, ry, z, 18)
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
    scene.add(rect(x - w, x + w, 0, height, z), labels.POLE, grey, depth=z)
    if arm:
        x0, x1 = sorted((x, x + arm))
        scene.add(
            rect(x0, x1, height - 0.15, height, z),
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
            rect(cx - 0.19, cx + 0.19, cy - 0.5, cy + 0.5, z),
            labels.LIGHT,
            (0.05, 0.06, 0.05),
            depth=z,
        )
        for i, lamp in enumerate(lamps):
            scene.add(
                disc(cx, cy + 0.31 * (1 - i), 0.13, 0.13, z, 8),
                labels.LIGHT,
                lamp if i == lit else shade(lamp, 0.15),
                depth=z,
            )


def sign(scene: Scene, rng, x, z, grey, face, mark) -> None:
    """Add a traffic sign: disc, triangle or plate, with a mark on it."""
    height = rng.uniform(2.2, 2.7)
    pole(scene, rng, x, z, height + 0.2, grey)
    r = rng.uniform(0.26, 0.36)
    kind = rng.integers(4)
    if kind == 0:
        outer, inner = (disc(x, height, q, q, z) for q in (r, r * 0.7))
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
            rect(x - w * q, x + w * q, height - h * q, height + h * q, z)
            for q in (1, 0.7)
        )
    scene.add(outer, labels.SIGN, face, depth=z)
    scene.add(inner, labels.SIGN, mark, depth=z)


def clutter(scene: Scene, rng, x, z, colour, label) -> None:
    """Add a void object: a bin, a box or a pram."""
    w, h = rng.uniform(0.25, 0.6), rng.uniform(0.6, 1.3)
    scene.add(rect(x - w, x + w, 0, h, z), label, colour, GLOSSY, z)
    scene.add(
        rect(x - w, x + w, h * 0.8, h, z),
        label,
        shade(colour, 0.6),
        depth=z,
    )
