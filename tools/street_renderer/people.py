"""Draws people on foot and on two wheels."""

from street_renderer import labels
from street_renderer.scene import NOISE, Scene, Texture
from street_renderer.shapes import DARK, GLOSSY, disc, shade


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
            shade(legs, 1 + 0.12 * sign),
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
            shade(top, 0.85),
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
    scene.add(disc(x, head, 0.11 * s, 0.14 * s, z, 10), label, skin, depth=z)
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
        scene.add(disc(x + axle, radius, rim, radius, z), label, DARK, depth=z)
        # Annotators fill the wheel; the street shines through the spokes.
        scene.add(
            disc(x + axle, radius, rim * 0.75, radius * 0.75, z, 10),
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
        GLOSSY,
        z,
    )
    if look is not None:
        person(scene, rng, x - 0.05, z, look, labels.RIDER, 0.36, seated=True)
