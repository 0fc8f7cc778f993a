"""Everything beyond the walls: terrain, sea, the town on the hill, pines and bushes."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.sources.courtyard import landmarks
from artem_vr.sources.courtyard.mesh import Mesh, cross, joined
from artem_vr.sources.courtyard.paint import Layer, Paint, Rgb
from artem_vr.sources.courtyard.primitives import ball, grid_index, patch, tube

SEA_LEVEL = -13.0
_WALLS: tuple[Rgb, ...] = (
    (0.97, 0.93, 0.85), (0.96, 0.82, 0.56), (0.93, 0.66, 0.50), (0.90, 0.52, 0.40), (0.98, 0.90, 0.72),
    (0.86, 0.72, 0.62),
)  # fmt: skip
# Hills as x, z, radius along x, radius along z, height above the sea bed.
_HILLS = np.array(
    [
        (82, -78, 30, 24, 35), (118, -112, 40, 30, 48), (55, -66, 18, 15, 22), (150, -60, 40, 50, 55),
        (-62, -150, 26, 13, 23), (-88, -158, 18, 12, 19), (14, -178, 34, 12, 24), (70, 10, 40, 50, 34),
        (46, 66, 52, 30, 24), (-42, 72, 56, 36, 28), (110, 90, 70, 70, 50), (-110, 100, 70, 60, 46),
        (0, 130, 90, 44, 38), (26, -84, 12, 10, 20),
    ]
)  # fmt: skip
_SEA_BED, _STREET_LEVEL = -20.0, -0.7
# The houses of the street behind the garden wall, and those up the slope beside the pergola.
_STREET = [
    (-9.5, 18.0),
    (-2.5, 19.5),
    (3.5, 18.5),
    (10.5, 19.0),
    (17.0, 14.0),
    (22.0, -6.0),
    (27.0, -16.0),
    (20.0, 3.0),
]


def height(x: ArrayLike, z: ArrayLike) -> NDArray[np.float64]:
    """The terrain's y in metres at any place beyond the courtyard."""
    px, pz = np.asarray(x, float)[..., None], np.asarray(z, float)[..., None]
    cx, cz, rx, rz, top = _HILLS.T
    hills = (top * np.exp(-(((px - cx) / rx) ** 2 + ((pz - cz) / rz) ** 2))).sum(-1)
    px, pz = px[..., 0], pz[..., 0]
    # The shelf that the courtyard and the streets behind it stand on; its edge is the coast.
    inland = pz * 0.93 + px * 0.36 + 2.2 * np.sin(px * 0.13) + 1.5 * np.sin(pz * 0.21)
    shelf = 18.6 / (1 + np.exp(-np.clip((inland + 2.0) / 2.2, -30, 30)))
    rough = np.sin(px * 0.31 + 1.3 * np.sin(pz * 0.17)) + np.sin(pz * 0.37 + np.sin(px * 0.23) * 1.7)
    distance = np.hypot(px, pz)
    rise = _SEA_BED + hills + shelf + rough * np.clip((distance - 18) / 60, 0, 1) * 0.9
    # The street round the courtyard is level; the slope begins behind it.
    slope = np.clip((distance - 15) / 24, 0, 1) ** 1.3
    return np.where(rise > _STREET_LEVEL, _STREET_LEVEL + (rise - _STREET_LEVEL) * slope, rise)


def terrain() -> Mesh:
    """Land as a polar grid that gets coarser with distance; triangles under the sea are left out."""
    angle = np.linspace(0, 2 * math.pi, 97)
    radius = np.concatenate([[11.5], np.geomspace(14, 192, 14)])[:, None]
    x, z = radius * np.sin(angle), -radius * np.cos(angle)
    y = height(x, z)
    points = np.stack([x, y, z], -1)
    normals = cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals *= np.sign(normals[..., 1:2]) + (normals[..., 1:2] == 0)
    up = normals[..., 1] / np.maximum(np.linalg.norm(normals, axis=-1), 1e-9)
    tints = _land_colors(points, up)
    paint = Paint(Layer.HILL)
    # Around the courtyard and up: the picture stays even on the slopes that face us, and grows with distance.
    uv = np.stack([np.broadcast_to(angle / math.tau * 16, y.shape), (radius * 0.55 + y * 1.25) / 26.0], -1)
    index = grid_index(*y.shape)
    above = (y.reshape(-1)[index] > SEA_LEVEL - 1.5).any(1)
    return Mesh.build(points, normals.reshape(-1, 3), uv, index[above], paint, tints.reshape(-1, 3))


def _land_colors(points: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = (points[..., i] for i in range(3))
    green, dry, rock = np.array([0.50, 0.62, 0.26]), np.array([0.90, 0.76, 0.42]), np.array([0.95, 0.76, 0.58])
    mix = 0.5 + 0.5 * np.sin(x * 0.11 + 2 * np.sin(z * 0.07)) * np.sin(z * 0.13 + 1.5 * np.sin(x * 0.09))
    soil = green + (dry - green) * mix[..., None]
    cliff = np.clip((0.82 - up) * 5, 0, 1) + np.clip((SEA_LEVEL + 2.2 - y) * 0.8, 0, 1)
    return soil + (rock - soil) * np.clip(cliff, 0, 1)[..., None]


def greenery(rng: np.random.Generator) -> Mesh:
    """Umbrella pines, olive groves and bushes on the slopes, simple enough for a distance."""
    pine, olive, bush = (0.26, 0.44, 0.20), (0.52, 0.60, 0.36), (0.38, 0.52, 0.22)
    parts = []
    for x, z in [
        (14.5, -12.0),
        (19.0, -16.5),
        (24.0, -11.0),
        (33.0, -24.0),
        (-12.5, 14.0),
        (-6.2, 15.0),
        (7.0, 15.2),
        (13.8, 11.5),
    ]:
        y, tall = float(height(x, z)), float(rng.uniform(4.5, 6.5))
        stem = tube([(x, y - 1, z), (x + 0.3, y + tall, z)], 0.22, 4, Paint(Layer.WOOD, (0.45, 0.32, 0.25)))
        crown = ball((2.3, 0.85, 2.3), Paint(Layer.FOLIAGE, pine, 2.2), 1, 0.16, int(rng.integers(99)))
        parts += [stem, crown.placed((x + 0.3, y + tall + 0.3, z))]
    for x, z in spread_on_land(rng, 80, 13.5, 60):
        size = float(rng.uniform(0.7, 1.6))
        tint = olive if rng.uniform() < 0.5 else bush
        mass = ball(
            (size, size * 0.8, size),
            Paint(Layer.FOLIAGE, tint, 2.0),
            1 if math.hypot(x, z) < 17 else 0,
            0.15,
            int(rng.integers(99)),
        )
        parts.append(mass.placed((x, float(height(x, z)) + size * 0.35, z)))
    return joined(parts)


def sea() -> Mesh:
    """The water as a polar grid around the courtyard, from the cliff to 195 m."""
    angle = np.linspace(-2.2, 1.75, 41)
    radius = np.geomspace(12, 195, 11)[:, None]
    points = np.stack([radius * np.sin(angle), np.full((11, 41), SEA_LEVEL), -radius * np.cos(angle)], -1)
    return Mesh.build(points, (0, 1, 0), points[..., [0, 2]] / 9.0, grid_index(11, 41), Paint(Layer.WATER))


def house(size: tuple[float, float, float], walls: Rgb, rng: np.random.Generator, hip: bool) -> Mesh:
    """A far house that looks to +Z: three walls with painted windows, a tiled roof, its base 3 m below y = 0.

    It has no back: nobody in the courtyard can see that.
    """
    w, h, d = size
    paint = Paint(Layer.FACADE, walls)
    shift = rng.integers(0, 4, 2) / 4
    corners = [
        ((-w / 2, d / 2), (w, 0)),
        ((w / 2, d / 2), (0, -d)),
        ((-w / 2, -d / 2), (0, d)),
    ]
    sides = [patch((x, -3, z), (u, 0, v), (0, h + 3, 0), paint, uv_at=shift) for (x, z), (u, v) in corners]
    e, rise = 0.25, min(w, d) * 0.26
    lx, lz = (w / 2 + e, d / 2 + e)
    ridge = max(w, d) / 2 + e - (min(w, d) / 2 if hip else 0)
    rx, rz = (ridge, 0) if w >= d else (0, ridge)
    base = np.array([(-lx, h, lz), (lx, h, lz), (lx, h, -lz), (-lx, h, -lz)])
    tops = (
        np.array([(-rx, h + rise, -rz), (rx, h + rise, rz)])
        if w >= d
        else np.array([(0, h + rise, rz), (0, h + rise, -rz)])
    )
    if w >= d:
        faces = [(0, 1, 5, 4), (1, 2, 5, 5), (2, 3, 4, 5), (3, 0, 4, 4)]
    else:
        faces = [(0, 1, 4, 4), (1, 2, 5, 4), (2, 3, 5, 5), (3, 0, 4, 5)]
    points = np.concatenate([base, tops])
    roof_paint = Paint(Layer.ROOF, tuple(np.array((0.93, 0.52, 0.34)) * rng.uniform(0.85, 1.1)))
    roofs = [_roof_face(points[list(face)], np.array([0, h - 1.0, 0]), roof_paint) for face in faces]
    return joined([*sides, *roofs])


def _roof_face(quad: NDArray[np.float64], inside: NDArray[np.float64], paint: Paint) -> Mesh:
    along = quad[1] - quad[0]
    length = np.linalg.norm(along)
    u = (quad - quad[0]) @ along / length
    v = np.linalg.norm(quad - quad[0] - u[:, None] * along / length, axis=1)
    normal = cross(along, quad[2] - quad[0])
    normal *= np.sign(normal @ (quad.mean(0) - inside)) or 1.0
    return Mesh.build(quad, normal, np.stack([u / 0.9, -v / 0.9], 1), [(0, 1, 2), (0, 2, 3)], paint)


def town(rng: np.random.Generator) -> Mesh:
    """White and ochre houses on the headland and behind the courtyard, with a bell tower and a blue dome."""
    parts = []
    spots = [
        *_STREET, *_spots(rng, 50, (62, -70), 34, 4.6), *_spots(rng, 30, (34, 44), 26, 6.0),
        *_spots(rng, 34, (-30, 46), 28, 6.0), *_spots(rng, 22, (46, 4), 20, 6.0),
        *_spots(rng, 14, (112, -100), 26, 6.5),
    ]  # fmt: skip
    for x, z in spots:
        size = (rng.uniform(3.6, 6.5), rng.uniform(3.2, 7.2), rng.uniform(3.6, 5.6))
        face = house(size, _WALLS[int(rng.integers(len(_WALLS)))], rng, bool(rng.integers(2)))
        # The front looks downhill to the courtyard, more or less.
        yaw = math.atan2(-x, -z) + rng.normal(0, 0.25)
        parts.append(face.placed((x, float(height(x, z)), z), yaw))
    parts.append(landmarks.bell_tower().placed((47, float(height(47, -60)), -60), 0.7))
    parts.append(landmarks.domed_church().placed((-13, float(height(-13, 38)), 38), 0.2))
    parts.append(landmarks.bell_tower().placed((-22, float(height(-22, 42)) + 1, 42), 0.2, 0.85))
    parts.append(landmarks.lighthouse().placed((-60, float(height(-60, -150)) - 0.5, -150)))
    return joined(parts)


def _spots(
    rng: np.random.Generator, count: int, center: tuple[float, float], spread: float, apart: float
) -> list[tuple[float, float]]:
    """Places for houses around a center: on land, outside the courtyard, and not on top of each other."""
    found: list[tuple[float, float]] = []
    for x, z in rng.normal(0, spread * 0.55, (count * 12, 2)) + center:
        clear = all(math.hypot(x - a, z - b) > apart for a, b in found)
        near_us = -13 < x < 15 and -13 < z < 17
        if clear and not near_us and math.hypot(x, z) < 165 and height(x, z) > SEA_LEVEL + 2.0:
            found.append((float(x), float(z)))
        if len(found) == count:
            break
    return found


def spread_on_land(
    rng: np.random.Generator, count: int, nearest: float = 19, farthest: float = 129
) -> list[tuple[float, float]]:
    """Places for trees: on land outside the courtyard, more of them near by."""
    found: list[tuple[float, float]] = []
    while len(found) < count:
        angle, radius = rng.uniform(0, 2 * math.pi), nearest + (farthest - nearest) * rng.uniform() ** 1.5
        x, z = radius * math.sin(angle), radius * math.cos(angle)
        inside = -12 < x < 15 and -9 < z < 10.5
        if not inside and height(x, z) > SEA_LEVEL + 3:
            found.append((x, z))
    return found
