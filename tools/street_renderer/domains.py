"""The two domains.

Both show the same kind of streets (``layout``). The source is a game: clean,
saturated, sunny, seen from many heights. The target is a dash camera: one car,
mostly under clouds, behind a lens and a sensor with a colour cast.
"""

from street_renderer.cameras import Camera, Domain, Light
from street_renderer.materials import DASH_MATERIALS, GAME_MATERIALS

SOURCE = Domain(
    'gta5',
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
        exposure=(-0.25, 0.35),
        gains=(1.08, 1.03, 1.0),
        saturation=(1.1, 1.35),
        contrast=(1.05, 1.2),
    ),
    GAME_MATERIALS,
)

TARGET = Domain(
    'cityscapes',
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
        saturation=(0.65, 0.9),
        contrast=(0.88, 1.08),
        black=(0.0, 0.05),
        blur=(0.45, 0.9),
        vignette=(0.2, 0.45),
        noise=(0.01, 0.03),
    ),
    DASH_MATERIALS,
)
