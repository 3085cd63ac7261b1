"""Rasterises a scene: draws polygon ids back to front, then shades them."""

from functools import lru_cache

import cv2
import numpy as np

from street_renderer import labels
from street_renderer.cameras import Domain
from street_renderer.scene import STRIPES, TILES, WINDOWS, Scene

_NEAR = 0.7
_OVER = 2  # Edges are drawn at twice the size and averaged in the image.
_SHIFT = 4
_GRAIN = 256


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Make tileable noise of several octaves, mean 0, deviation 1."""
    rng = np.random.default_rng(0)
    total = np.zeros((_GRAIN, _GRAIN), np.float32)
    for size, weight in ((8, 0.5), (32, 0.7), (128, 0.8), (256, 0.6)):
        cells = rng.standard_normal((size, size)).astype(np.float32)
        cells = np.pad(cells, 2, mode='wrap')
        scale = _GRAIN // size
        layer = cv2.resize(cells, None, fx=scale, fy=scale)
        inner = slice(2 * scale, 2 * scale + _GRAIN)
        total += weight * layer[inner, inner]
    return (total - total.mean()) / total.std()


def _clip_near(polygon: np.ndarray) -> np.ndarray:
    """Clip a polygon at the near plane (Sutherland-Hodgman)."""
    kept = []
    for start, end in zip(polygon, np.roll(polygon, -1, 0)):
        if start[2] >= _NEAR:
            kept.append(start)
        if (start[2] >= _NEAR) != (end[2] >= _NEAR):
            share = (_NEAR - start[2]) / (end[2] - start[2])
            kept.append(start + share * (end - start))
    return np.array(kept, np.float32).reshape(-1, 3)


class _View:
    """A pinhole camera at ``eye``; x right, y down, z ahead in its frame."""

    def __init__(self, eye, yaw, pitch, focal, width, height):
        self.eye, self.focal = np.asarray(eye, np.float32), focal
        self.width, self.height = width, height
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        tilt = np.array([[1, 0, 0], [0, -cp, -sp], [0, -sp, cp]])
        self.rotation = (tilt @ turn).astype(np.float32)

    def to_camera(self, points):
        return (points - self.eye) @ self.rotation.T

    def to_pixels(self, points):
        """Project points to pixels; pixel centres are at n + 0.5."""
        scale = self.focal / points[:, 2:]
        centre = (self.width / 2, self.height / 2)
        return points[:, :2] * scale + np.float32(centre)

    def rays(self):
        """Return world directions of all pixels at depth 1, (H, W, 3)."""
        x = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal
        y = (np.arange(self.height) + 0.5 - self.height / 2) / self.focal
        rays = np.ones((self.height, self.width, 3), np.float32)
        rays[..., 0], rays[..., 1] = x[None], y[:, None]
        return rays @ self.rotation


def _fill(canvas, pixels, value, over):
    fixed = (np.clip(pixels * over, -3e4, 3e4) - 0.5) * (1 << _SHIFT)
    cv2.fillPoly(
        canvas, [np.rint(fixed).astype(np.int32)], value, shift=_SHIFT
    )


def _draw_ids(scene: Scene, view: _View, hidden, cam_points, starts):
    """Draw polygon numbers plus one, from far to near; 0 is the sky."""
    canvas = np.zeros((view.height * _OVER, view.width * _OVER), np.int32)
    ends = np.append(starts[1:], len(cam_points))
    nearest = np.minimum.reduceat(cam_points[:, 2], starts)
    farthest = np.maximum.reduceat(cam_points[:, 2], starts)
    limit = np.array([view.width, view.height], np.float32)
    safe = np.maximum(cam_points[:, 2:], 1e-3)
    pixels = cam_points[:, :2] * (view.focal / safe) + limit / 2
    low = np.minimum.reduceat(pixels, starts)
    high = np.maximum.reduceat(pixels, starts)
    outside = (high < 0).any(1) | (low > limit).any(1)
    skip = hidden | (farthest < _NEAR) | (outside & (nearest > _NEAR))
    for i in np.argsort(-np.array(scene.depths), kind='stable'):
        if skip[i]:
            continue
        corners = pixels[starts[i] : ends[i]]
        if nearest[i] < _NEAR:
            clipped = _clip_near(cam_points[starts[i] : ends[i]])
            if len(clipped) < 3:
                continue
            corners = view.to_pixels(clipped)
        _fill(canvas, corners, int(i) + 1, _OVER)
    return canvas


def _draw_shadows(scene: Scene, view: _View) -> np.ndarray:
    mask = np.zeros((view.height, view.width), np.uint8)
    for shadow in scene.shadows:
        hull = cv2.convexHull(shadow)[:, 0]
        points = np.stack([hull[:, 0], np.zeros(len(hull)), hull[:, 1]], 1)
        clipped = _clip_near(view.to_camera(points.astype(np.float32)))
        if len(clipped) >= 3:
            _fill(mask, view.to_pixels(clipped), 255, 1)
    mask = cv2.blur(mask, (3, 3))
    return mask.astype(np.float32) / 255


def _sky(rays, light, rng):
    """Draw the gradient from horizon to zenith, and clouds."""
    up = rays[..., 1] / np.linalg.norm(rays, axis=-1)
    share = np.clip(up * 2.2, 0, 1)[..., None] ** 0.7
    zenith, horizon = np.float32(light.zenith), np.float32(light.horizon)
    sky = horizon + share * (zenith - horizon)
    lift = np.maximum(up, 0.03)
    offset = rng.integers(_GRAIN, size=2)
    u = (rays[..., 0] / lift * 12 + offset[0]).astype(np.int32) % _GRAIN
    v = (rays[..., 2] / lift * 12 + offset[1]).astype(np.int32) % _GRAIN
    clouds = cv2.GaussianBlur(_grain()[u, v], (0, 0), 3)
    cover = np.clip(
        clouds + np.float32(rng.uniform(*light.clouds) - 0.2), 0, 1
    )
    return sky + cover[..., None] * 0.6 * (np.float32(0.93) - sky)


def _texture(scene, ids, position, distance, normals, focal):
    """Return the patterns and grain of the surfaces as factors, (H, W, 3)."""
    flat = np.abs(normals[:, 1]) > 0.7
    along_z = (np.abs(normals[:, 0]) > np.abs(normals[:, 2])) & ~flat
    first = np.maximum(np.array(scene.colours), 0.01)
    table = np.array(
        [
            (t.kind, t.grain, 1 / t.grain_size, 1 / t.u, 1 / t.v, *t.colour)
            for t in scene.textures
        ]
    )
    table[:, 5:] = table[:, 5:] / first - 1
    table = table.astype(np.float32).take(ids, axis=0)
    kind, grain, per_grain, per_u, per_v = np.moveaxis(table[..., :5], -1, 0)
    x, y, z = np.moveaxis(position, -1, 0)
    u = np.where(along_z[ids], z, x)
    v = np.where(flat[ids], z, y)
    noise = cv2.remap(
        _grain(),
        ((v * per_grain + 91 * ids) % _GRAIN).astype(np.float32),
        ((u * per_grain + 37 * ids) % _GRAIN).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    # Patterns fade out where a pixel spans more than half a period.
    pixel = distance / np.float32(focal)
    fade = np.clip(1 / (per_grain * pixel), 0.35, 1)
    factor = (1 + grain * fade * noise)[..., None]
    part_u, part_v = (u * per_u) % 1, (v * per_v) % 1
    panes = (np.abs(part_u - 0.5) < 0.26) & (np.abs(part_v - 0.55) < 0.24)
    joints = (part_u < 0.07) | (part_v < 0.07)
    on = (
        ((kind == WINDOWS) & panes)
        | ((kind == STRIPES) & (part_u < 0.3))
        | ((kind == TILES) & joints)
    )
    strength = on * np.clip(1 / (3 * per_u * pixel) - 0.5, 0, 1)
    return factor * (1 + strength[..., None] * table[..., 5:])


def _bonnet(image, label, share):
    """Draw the camera's own car over the lower edge of the picture."""
    height, width = label.shape
    x = np.linspace(-0.02, 1.02, 24)
    y = share + (1 - share) * 0.9 * (2 * x - 1) ** 4
    outline = np.stack([x * width, y * height], 1)
    outline = np.concatenate(
        [outline, [(width * 1.02, height + 9), (-0.02 * width, height + 9)]]
    )
    mask = np.zeros((height, width), np.uint8)
    _fill(mask, outline, 1, 1)
    mask = mask.astype(bool)
    rows = np.linspace(1.8, 0.8, height, dtype=np.float32)[:, None, None]
    paint = np.float32([0.03, 0.035, 0.035]) * rows
    image[mask] = np.broadcast_to(paint, image.shape)[mask]
    label[mask] = labels.EGO_VEHICLE


def render(scene: Scene, x: float, domain: Domain, rng, size=None):
    """Take a picture of a scene.

    Args:
        scene (Scene): The scene.
        x (float): Lateral position of the camera in metres.
        domain (Domain): Its light and camera.
        rng (np.random.Generator): Draws the camera's pose and settings.
        size (tuple, optional): (width, height) in pixels. Defaults to the
            camera's.

    Returns:
        tuple[np.ndarray, np.ndarray]: RGB image, uint8 (H, W, 3), and
        Cityscapes label ids, uint8 (H, W).
    """
    camera, light = domain.camera, domain.light
    width, height = size or (camera.width, camera.height)
    focal = width / 2 / np.tan(np.deg2rad(rng.uniform(*camera.fov)) / 2)
    view = _View(
        (x, rng.uniform(*camera.above_ground), 0),
        rng.uniform(*camera.yaw),
        rng.uniform(*camera.pitch),
        focal,
        width,
        height,
    )
    points = np.concatenate(scene.points)
    counts = [len(p) for p in scene.points]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    corner = points[starts]
    normals = np.cross(
        points[starts + 1] - corner, points[starts + 2] - corner
    )
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    middle = np.add.reduceat(points, starts) / np.array(counts)[:, None]
    insides = np.array(scene.insides, np.float32)
    outwards = ((middle - insides) * normals).sum(1) < 0
    normals[outwards] *= -1
    away = ((middle - view.eye) * normals).sum(1) > 0
    hidden = away & np.isfinite(insides[:, 0])
    normals[away] *= -1

    fine = _draw_ids(scene, view, hidden, view.to_camera(points), starts)
    ids = fine[::_OVER, ::_OVER]
    label_of = np.array([labels.SKY] + scene.labels, np.uint8)
    label = label_of[ids]

    # Lit colours and coverage are averaged from the finer grid.
    sun = rng.uniform(*light.sun) * np.array(light.sun_colour)
    sky_light = rng.uniform(*light.ambient) * np.array(light.ambient_colour)
    direct = np.maximum(normals @ scene.sun, 0)[:, None] * sun
    dome = (0.7 + 0.3 * normals[:, 1:2]) * sky_light
    table = np.zeros((len(dome) + 1, 4), np.float32)
    table[1:, :3] = np.array(scene.colours) * (dome + direct)
    table[1:, 3] = 1
    image = cv2.resize(
        table.take(fine, axis=0),
        (width, height),
        interpolation=cv2.INTER_AREA,
    )
    image, cover = image[..., :3], image[..., 3:]

    # Texture, shadow and haze depend on where a pixel's surface lies.
    rays = view.rays()
    index = np.maximum(ids - 1, 0)
    planes = np.concatenate(
        [normals, ((corner - view.eye) * normals).sum(1, keepdims=True)], 1
    ).astype(np.float32)[index]
    slope = np.einsum('hwc,hwc->hw', rays, planes[..., :3])
    slope[np.abs(slope) < 1e-6] = 1e-6
    depth = np.clip(planes[..., 3] / slope, _NEAR, 400)
    depth[ids == 0] = 400
    position = view.eye + rays * depth[..., None]
    factor = _texture(scene, index, position, depth, normals, focal)
    shade = (scene.ground_mask() * direct.mean(1)) / (dome + direct).mean(1)
    shadow = _draw_shadows(scene, view) * shade.astype(np.float32)[index]
    factor *= (1 - shadow)[..., None]
    factor[ids == 0] = 1
    clear = np.exp(np.float32(-rng.uniform(*light.haze)) * depth)[..., None]
    haze = np.array(light.horizon) * (sky_light.mean() + sun.mean() * 0.4)
    image = image * (factor * clear)
    image += haze.astype(np.float32) * ((1 - clear) * cover)
    image += _sky(rays, light, rng) * (1 - cover)
    if camera.bonnet is not None:
        _bonnet(image, label, camera.bonnet)
    return camera.develop(image, rng), label
