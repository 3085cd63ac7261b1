"""Describes a domain: light, materials, camera."""

import colorsys
from dataclasses import dataclass, field

import cv2
import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Light:
    """Illumination; ranges are drawn from once per image."""

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
    """Geometry and picture pipeline; ranges are drawn from once per image."""

    width: int
    height: int
    fov: Range
    above_ground: Range
    pitch: Range
    yaw: Range
    exposure: Range
    gains: tuple[float, float, float]
    saturation: Range
    contrast: Range
    gain_jitter: float = 0.05
    bonnet: float | None = None
    black: Range = (0.0, 0.0)
    blur: Range = (0.0, 0.0)
    vignette: Range = (0.0, 0.0)
    noise: Range = (0.0, 0.0)

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
    """Light, materials and camera of one domain."""

    name: str
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
