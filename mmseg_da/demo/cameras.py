"""The two domains: what their world is made of and how a camera sees it.

The source is a game: clean, saturated, sunny, wide streets seen from many
heights. The target is a dash camera: one car in narrow streets, mostly under
clouds, behind a lens and a sensor with a colour cast.
"""

import colorsys
from dataclasses import dataclass, field
from typing import Optional

import cv2
import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Statistics of streets; lengths in metres, counts per scene."""

    lanes: tuple[int, ...]
    lane_width: Range
    sidewalk: Range
    verge_chance: float
    setback: Range
    floors: tuple[int, int]
    parking_chance: float
    junction_chance: float
    curve: float
    #: Chances of what lines the street.
    frontage: dict
    #: Mean number (Poisson) of what is on it.
    counts: dict
    #: Mean distance of street trees and lamp posts on one side.
    tree_spacing: Range
    pole_spacing: Range
    left_marking: str = 'white'


@dataclass(frozen=True)
class Light:
    """Illumination; each range is drawn from once per image."""

    sun: Range
    sun_colour: tuple[float, float, float]
    ambient: Range
    ambient_colour: tuple[float, float, float]
    elevation: Range
    haze: Range
    zenith: tuple
    horizon: tuple
    clouds: Range


@dataclass(frozen=True)
class Camera:
    """Geometry and picture pipeline; each range is drawn from per image."""

    width: int
    height: int
    fov: Range
    above_ground: Range
    pitch: Range
    yaw: Range
    bonnet: Optional[float]
    exposure: Range
    gains: tuple[float, float, float]
    gain_jitter: float
    saturation: Range
    contrast: Range
    black: Range
    blur: Range
    vignette: Range
    noise: Range

    def develop(self, light: np.ndarray, rng) -> np.ndarray:
        """Turn the light that reaches the lens into a picture.

        Args:
            light (np.ndarray): Linear RGB, float32 (H, W, 3), white near 1.
            rng (np.random.Generator): Draws this picture's settings.

        Returns:
            np.ndarray: RGB, uint8 of shape (H, W, 3).
        """
        height, width = light.shape[:2]
        gains = np.array(self.gains, np.float32) * 2 ** rng.uniform(
            *self.exposure
        )
        gains *= rng.uniform(
            1 - self.gain_jitter, 1 + self.gain_jitter, 3
        ).astype(np.float32)
        image = light * gains.astype(np.float32)
        vignette = rng.uniform(*self.vignette)
        if vignette:
            x = np.linspace(-1, 1, width, dtype=np.float32)
            y = np.linspace(-1, 1, height, dtype=np.float32)
            fall = 1 - vignette * (x[None] ** 2 + y[:, None] ** 2) / 2
            image *= fall[..., None]
        blur = rng.uniform(*self.blur)
        if blur:
            image = cv2.GaussianBlur(image, (0, 0), blur)
        noise = rng.uniform(*self.noise)
        if noise:
            # Shot noise grows with the light, read noise does not.
            grain = rng.standard_normal(image.shape, np.float32)
            image += grain * noise * (0.25 + np.sqrt(np.maximum(image, 0)))
        image = np.clip(image, 0, 1) ** np.float32(1 / 2.2)
        grey = image @ np.array([0.3, 0.59, 0.11], np.float32)
        saturation = rng.uniform(*self.saturation)
        image = grey[..., None] + saturation * (image - grey[..., None])
        image = 0.45 + rng.uniform(*self.contrast) * (image - 0.45)
        black = rng.uniform(*self.black)
        image = black + (1 - black) * image
        return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class Domain:
    """A world's statistics, light and materials, and its camera."""

    name: str
    layout: Layout
    light: Light
    camera: Camera
    #: Material -> alternatives of (hue, saturation, value) ranges in sRGB.
    materials: dict = field(repr=False)

    def colour(self, rng, material: str) -> np.ndarray:
        """Draw a reflected colour of a material, linear RGB."""
        kinds = self.materials[material]
        ranges = kinds[int(rng.integers(len(kinds)))]
        h, s, v = (rng.uniform(*r) for r in ranges)
        return np.array(colorsys.hsv_to_rgb(h % 1, s, v)) ** 2.2


_ANY = (0.0, 1.0)

_GAME_MATERIALS = {
    'road': [
        ((0.55, 0.65), (0.02, 0.10), (0.36, 0.48)),
        ((0.07, 0.12), (0.03, 0.10), (0.38, 0.52)),
    ],
    'sidewalk': [((0.08, 0.13), (0.06, 0.2), (0.58, 0.74))],
    'terrain': [
        ((0.13, 0.2), (0.35, 0.55), (0.45, 0.6)),
        ((0.22, 0.29), (0.45, 0.65), (0.38, 0.55)),
    ],
    'building': [
        ((0.04, 0.12), (0.2, 0.5), (0.55, 0.85)),
        ((0.0, 0.03), (0.3, 0.55), (0.45, 0.65)),
        ((0.52, 0.62), (0.1, 0.35), (0.5, 0.8)),
        (_ANY, (0.0, 0.08), (0.6, 0.9)),
    ],
    'pane': [((0.52, 0.62), (0.3, 0.6), (0.2, 0.55))],
    'wall': [
        ((0.06, 0.11), (0.12, 0.3), (0.5, 0.68)),
        ((0.0, 0.04), (0.35, 0.5), (0.4, 0.55)),
    ],
    'fence': [
        ((0.06, 0.1), (0.4, 0.6), (0.3, 0.5)),
        ((0.3, 0.4), (0.3, 0.5), (0.25, 0.4)),
        (_ANY, (0.0, 0.06), (0.75, 0.9)),
    ],
    'pole': [(_ANY, (0.0, 0.1), (0.3, 0.55))],
    'leaves': [
        ((0.22, 0.3), (0.55, 0.8), (0.34, 0.55)),
        ((0.18, 0.23), (0.5, 0.75), (0.4, 0.58)),
    ],
    'trunk': [((0.06, 0.1), (0.35, 0.5), (0.28, 0.4))],
    'paint': [
        (_ANY, (0.55, 0.95), (0.4, 0.85)),
        (_ANY, (0.6, 0.9), (0.5, 0.9)),
        (_ANY, (0.0, 0.06), (0.08, 0.2)),
        (_ANY, (0.0, 0.05), (0.75, 0.95)),
    ],
    'cloth': [
        (_ANY, (0.3, 0.85), (0.25, 0.85)),
        (_ANY, (0.0, 0.1), (0.1, 0.9)),
    ],
    'clutter': [
        ((0.3, 0.4), (0.4, 0.6), (0.3, 0.5)),
        ((0.55, 0.65), (0.4, 0.6), (0.3, 0.5)),
        (_ANY, (0.0, 0.1), (0.2, 0.6)),
    ],
    'sign': [
        ((0.33, 0.4), (0.8, 1.0), (0.35, 0.5)),
        ((0.98, 1.01), (0.8, 1.0), (0.6, 0.85)),
        ((0.12, 0.15), (0.8, 1.0), (0.8, 0.95)),
        (_ANY, (0.0, 0.03), (0.88, 0.98)),
    ],
    'bus': [
        ((0.1, 0.14), (0.5, 0.8), (0.7, 0.9)),
        ((0.56, 0.62), (0.5, 0.8), (0.5, 0.8)),
        (_ANY, (0.0, 0.05), (0.8, 0.95)),
    ],
    'train': [
        (_ANY, (0.0, 0.08), (0.65, 0.85)),
        ((0.98, 1.02), (0.5, 0.8), (0.5, 0.7)),
    ],
    'load': [
        (_ANY, (0.0, 0.05), (0.75, 0.95)),
        (_ANY, (0.4, 0.7), (0.4, 0.7)),
    ],
}

_DASH_MATERIALS = {
    **_GAME_MATERIALS,
    'road': [
        ((0.55, 0.65), (0.0, 0.06), (0.40, 0.54)),
        ((0.07, 0.12), (0.0, 0.06), (0.42, 0.56)),
    ],
    'sidewalk': [
        ((0.05, 0.1), (0.03, 0.14), (0.46, 0.62)),
        ((0.0, 0.03), (0.1, 0.22), (0.44, 0.56)),
    ],
    'terrain': [((0.2, 0.28), (0.35, 0.6), (0.32, 0.5))],
    'building': [
        ((0.06, 0.12), (0.08, 0.3), (0.45, 0.75)),
        ((0.0, 0.04), (0.2, 0.4), (0.35, 0.5)),
        (_ANY, (0.0, 0.06), (0.5, 0.8)),
    ],
    'pane': [((0.5, 0.65), (0.0, 0.25), (0.12, 0.35))],
    'wall': [
        ((0.06, 0.11), (0.03, 0.15), (0.4, 0.58)),
        ((0.0, 0.04), (0.25, 0.4), (0.32, 0.45)),
    ],
    'leaves': [
        ((0.22, 0.32), (0.35, 0.6), (0.24, 0.42)),
        ((0.17, 0.23), (0.35, 0.6), (0.3, 0.45)),
    ],
    'paint': [
        (_ANY, (0.0, 0.06), (0.06, 0.2)),
        (_ANY, (0.0, 0.05), (0.4, 0.7)),
        (_ANY, (0.0, 0.04), (0.75, 0.92)),
        ((0.55, 0.66), (0.4, 0.75), (0.2, 0.5)),
        ((0.98, 1.02), (0.5, 0.8), (0.35, 0.6)),
    ],
    'cloth': [
        (_ANY, (0.1, 0.5), (0.12, 0.5)),
        (_ANY, (0.0, 0.1), (0.06, 0.6)),
    ],
    'sign': [
        ((0.58, 0.64), (0.7, 0.95), (0.4, 0.65)),
        ((0.98, 1.01), (0.75, 0.95), (0.55, 0.75)),
        ((0.12, 0.15), (0.7, 0.95), (0.7, 0.9)),
        (_ANY, (0.0, 0.03), (0.8, 0.95)),
    ],
    'bus': [
        ((0.12, 0.15), (0.5, 0.7), (0.65, 0.8)),
        ((0.98, 1.02), (0.5, 0.8), (0.45, 0.65)),
        (_ANY, (0.0, 0.05), (0.7, 0.9)),
    ],
    'train': [
        ((0.12, 0.15), (0.5, 0.8), (0.65, 0.85)),
        ((0.3, 0.4), (0.2, 0.5), (0.4, 0.6)),
        ((0.98, 1.02), (0.4, 0.7), (0.45, 0.65)),
    ],
}

SOURCE = Domain(
    'gta5',
    Layout(
        lanes=(1, 2, 2, 3),
        lane_width=(3.3, 3.8),
        sidewalk=(2.0, 4.0),
        verge_chance=0.4,
        setback=(0.0, 4.0),
        floors=(1, 8),
        parking_chance=0.45,
        junction_chance=0.5,
        curve=6e-4,
        frontage={
            'building': 0.6,
            'greenery': 0.17,
            'fence': 0.08,
            'wall': 0.07,
            'open': 0.08,
        },
        counts={
            'car': 5,
            'truck': 0.4,
            'bus': 0.3,
            'train': 0.16,
            'person': 5,
            'rider': 0.45,
            'bicycle': 0.5,
            'motorcycle': 0.3,
            'sign': 3,
            'clutter': 3,
        },
        tree_spacing=(10, 40),
        pole_spacing=(18, 30),
        left_marking='yellow',
    ),
    Light(
        sun=(0.5, 1.0),
        sun_colour=(1.1, 1.0, 0.84),
        ambient=(0.32, 0.5),
        ambient_colour=(0.92, 0.98, 1.1),
        elevation=(0.35, 1.1),
        haze=(0.001, 0.004),
        zenith=(0.10, 0.28, 0.68),
        horizon=(0.50, 0.66, 0.84),
        clouds=(0.0, 0.5),
    ),
    Camera(
        width=480,
        height=264,
        fov=(56, 72),
        above_ground=(1.3, 2.4),
        pitch=(-0.03, 0.08),
        yaw=(-0.12, 0.12),
        bonnet=None,
        exposure=(-0.25, 0.35),
        gains=(1.08, 1.03, 1.0),
        gain_jitter=0.05,
        saturation=(1.1, 1.35),
        contrast=(1.05, 1.2),
        black=(0.0, 0.0),
        blur=(0.0, 0.0),
        vignette=(0.0, 0.0),
        noise=(0.0, 0.0),
    ),
    _GAME_MATERIALS,
)

TARGET = Domain(
    'cityscapes',
    Layout(
        lanes=(1, 1, 1, 2),
        lane_width=(2.9, 3.4),
        sidewalk=(2.4, 5.0),
        verge_chance=0.3,
        setback=(0.0, 1.5),
        floors=(2, 6),
        parking_chance=0.5,
        junction_chance=0.5,
        curve=8e-4,
        frontage={
            'building': 0.65,
            'greenery': 0.18,
            'fence': 0.08,
            'wall': 0.05,
            'open': 0.04,
        },
        counts={
            'car': 3,
            'truck': 0.2,
            'bus': 0.2,
            'train': 0.12,
            'person': 8,
            'rider': 0.6,
            'bicycle': 1.5,
            'motorcycle': 0.4,
            'sign': 5,
            'clutter': 3,
        },
        tree_spacing=(9, 30),
        pole_spacing=(14, 26),
    ),
    Light(
        sun=(0.05, 0.55),
        sun_colour=(1.05, 1.0, 0.92),
        ambient=(0.5, 0.75),
        ambient_colour=(0.97, 1.0, 1.03),
        elevation=(0.4, 0.9),
        haze=(0.002, 0.006),
        zenith=(0.62, 0.70, 0.78),
        horizon=(0.86, 0.89, 0.90),
        clouds=(0.3, 1.0),
    ),
    Camera(
        width=512,
        height=256,
        fov=(47, 51),
        above_ground=(1.2, 1.3),
        pitch=(0.0, 0.04),
        yaw=(-0.06, 0.06),
        bonnet=0.93,
        exposure=(-0.35, 0.55),
        gains=(0.86, 1.04, 0.90),
        gain_jitter=0.05,
        saturation=(0.65, 0.9),
        contrast=(0.88, 1.08),
        black=(0.0, 0.05),
        blur=(0.45, 0.9),
        vignette=(0.2, 0.45),
        noise=(0.01, 0.03),
    ),
    _DASH_MATERIALS,
)
