"""The sky as a panorama: gradient, sun, clouds, and the far sea below the horizon.

Azimuth runs along u (0 and 1 at -Z), elevation from LOWEST to straight up along v, finer near the horizon.
"""

import math

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.light import SUN_WAY, haze_color
from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.noise import fractal_noise, smoothstep
from artem_vr.sources.courtyard.paint import Layer, Paint
from artem_vr.sources.courtyard.primitives import grid_index

SIZE = (1536, 384)
LOWEST = math.radians(-14.0)
_SPAN = math.pi / 2 - LOWEST
_BEND = 1.6

Colors = NDArray[np.float32]


def elevation_of(v: NDArray[np.float32]) -> NDArray[np.float32]:
    """The elevation in radians at a height v in [0, 1] of the panorama."""
    return (LOWEST + _SPAN * v**_BEND).astype(np.float32)


def directions(u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors (..., 3) of points of the panorama."""
    azimuth, elevation = u * 2 * math.pi, elevation_of(v)
    flat = np.cos(elevation)
    return np.stack([flat * np.sin(azimuth), np.sin(elevation), -flat * np.cos(azimuth)], -1).astype(np.float32)


def sea_color(direction: NDArray[np.float32]) -> Colors:
    """The sea's colour in directions below the horizon (..., 3), haze included: pale far off, deep close by."""
    down = np.clip(-direction[..., 1:2], 0, 1)
    far = 0.5 * haze_color(direction) + np.array([0.10, 0.22, 0.32], np.float32)
    near = np.array([0.07, 0.36, 0.48], np.float32)
    share = np.clip(down / 0.35, 0, 1) ** 0.6
    return (far * (1 - share) + near * share).astype(np.float32)


def paint_panorama(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """The panorama as uint8 sRGB (height, width, 3), row 0 at LOWEST."""
    width, height = size
    # The first and the last column are the same, so that the picture may be clamped, which is quicker than repeating.
    u, v = np.meshgrid(np.arange(width) / (width - 1), (np.arange(height) + 0.5) / height)
    way = directions(u.astype(np.float32), v.astype(np.float32))
    colors = _clouds(_air(way), way)
    colors = np.where(way[..., 1:2] < 0, sea_color(way), colors)
    return (np.clip(colors, 0, 1) * 255 + 0.5).astype(np.uint8)


def _air(way: NDArray[np.float32]) -> Colors:
    up = np.clip(way[..., 1:2], 0, 1)
    zenith, middle = np.array([0.13, 0.36, 0.72], np.float32), np.array([0.36, 0.64, 0.90], np.float32)
    low = haze_color(way) * np.array([1.04, 1.0, 0.96], np.float32)
    t = np.clip(up / 0.42, 0, 1) ** 0.62
    color = low + (middle - low) * t
    color = color + (zenith - color) * np.clip((up - 0.25) / 0.75, 0, 1) ** 0.8
    toward = np.clip(way @ SUN_WAY, 0, 1)[..., None]
    glow = np.array([1.0, 0.80, 0.48], np.float32)
    color = color + (glow - color) * np.clip(0.50 * toward**12 + 0.30 * toward**60, 0, 1)
    disc = smoothstep(0.9989, 0.9994, toward)
    return (color + (np.array([1.0, 0.97, 0.86], np.float32) - color) * disc).astype(np.float32)


def _clouds(air: Colors, way: NDArray[np.float32]) -> Colors:
    """Heaps of cloud on a plane overhead: lit warm on the sun's side, blue below."""
    rng = np.random.default_rng(7)
    field = fractal_noise(512, (5, 5), rng, 6, 0.52) + 0.35 * fractal_noise(512, (2, 2), rng, 2)
    lift = np.maximum(way[..., 1], 0) + 0.13
    x, z = way[..., 0] / lift, way[..., 2] / lift

    def look(dx: float, dz: float) -> NDArray[np.float32]:
        scale = 512 / 7.0
        moved = cv2.remap(
            field, ((x + dx) * scale).astype(np.float32) % 512, ((z + dz) * scale).astype(np.float32) % 512,
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP,
        )  # fmt: skip
        return np.asarray(moved, np.float32)

    here = look(0, 0)
    cover = smoothstep(0.08, 0.62, here)
    # Where the cloud is thinner towards the sun, its flank is lit.
    lit = np.clip(0.55 + 1.1 * (here - look(SUN_WAY[0] * 0.22, SUN_WAY[2] * 0.22)), 0, 1)[..., None]
    shadow, light = np.array([0.62, 0.64, 0.76], np.float32), np.array([1.0, 0.93, 0.82], np.float32)
    body = shadow + (light - shadow) * lit
    toward = np.clip(way @ SUN_WAY, 0, 1)[..., None]
    body = body + (np.array([1.0, 0.84, 0.60], np.float32) - body) * 0.6 * toward**6
    fade = np.clip(way[..., 1] / 0.10, 0, 1)
    return (air + (body - air) * (cover * fade * 0.92)[..., None]).astype(np.float32)


def panorama_texture(ctx: moderngl.Context) -> moderngl.Texture:
    """The panorama on the device."""
    rgb = paint_panorama()
    # Four bytes a texel: software OpenGL reads three much slower.
    pixels = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], -1)
    texture = ctx.texture((pixels.shape[1], pixels.shape[0]), 4, pixels.tobytes())
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture


def dome() -> Mesh:
    """The sphere that carries the panorama, of radius one, seen from inside."""
    rows, columns = 11, 41
    u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    way = directions(u.astype(np.float32), v.astype(np.float32))
    # From the middle of the first column of texels to the middle of the last.
    uv = np.stack([(u * (SIZE[0] - 1) + 0.5) / SIZE[0], v], -1)
    return Mesh.build(way, -way.reshape(-1, 3), uv, grid_index(rows, columns), Paint(Layer.SKIN))
