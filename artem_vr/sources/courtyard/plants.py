"""Trees, bushes and flowers: lumpy bodies for the mass, single leaves for the outline and the light on it.

Leaves and petals are seen from both sides; they are kept apart from the closed bodies, which are culled.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.sources.courtyard.mesh import Mesh, cross, joined
from artem_vr.sources.courtyard.paint import Layer, Paint, Rgb
from artem_vr.sources.courtyard.primitives import ball, lathe, tube

BARK = Paint(Layer.WOOD, (0.50, 0.40, 0.32), 0.7)
EARTH = Paint(Layer.HILL, (0.42, 0.30, 0.22), 1.0)

GREEN: Rgb = (0.36, 0.52, 0.18)
OLIVE: Rgb = (0.62, 0.70, 0.42)
LEMON_LEAF: Rgb = (0.24, 0.48, 0.16)
MAGENTA: Rgb = (0.93, 0.13, 0.48)
WISTERIA: Rgb = (0.60, 0.42, 0.86)
SCARLET: Rgb = (0.95, 0.14, 0.08)


@dataclass(frozen=True, slots=True)
class Plant:
    """Closed bodies (back faces culled) and leaves (seen from both sides)."""

    bodies: Mesh
    leaves: Mesh

    def placed(self, at: ArrayLike, yaw: float = 0.0, scale: float = 1.0) -> "Plant":
        """Scaled, turned about Y and moved."""
        return Plant(self.bodies.placed(at, yaw, scale), self.leaves.placed(at, yaw, scale))


def gathered(plants: list[Plant]) -> Plant:
    """Many plants as one."""
    return Plant(joined(p.bodies for p in plants), joined(p.leaves for p in plants))


def leaf_quads(
    at_N3: ArrayLike, out_N3: ArrayLike, tint: Rgb, rng: np.random.Generator, length: float, width: float,
    droop: float = 0.3, vary: float = 0.22,
) -> Mesh:  # fmt: skip
    """One folded leaf (two triangles) a point, growing outwards, shaded as the round body that it grows on."""
    at, out = np.asarray(at_N3, np.float64), np.asarray(out_N3, np.float64)
    count = len(at)
    out = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    grow = out + rng.normal(0, 0.75, (count, 3)) - [0, droop, 0]
    grow /= np.linalg.norm(grow, axis=1, keepdims=True)
    side = cross(grow, out + rng.normal(0, 0.6, (count, 3)))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    size = rng.uniform(0.75, 1.25, (count, 1))
    tip = at + grow * length * size
    middle = at + grow * length * size * 0.45 + out * 0.12 * length
    corners = np.stack([at, middle - side * width * size / 2, tip, middle + side * width * size / 2], 1)
    uv = np.zeros((count, 4, 2))
    index = (np.arange(count)[:, None] * 4 + [0, 1, 2, 0, 2, 3]).reshape(-1, 3)
    hue = rng.normal(0, vary * 0.35, (count, 1, 3)) + rng.normal(0, vary, (count, 1, 1))
    # Dark at the stem, one half in the light: what a picture of a leaf would show.
    folded = np.array([0.74, 0.82, 1.02, 1.08])[:, None]
    tints = np.clip((1 + hue) * folded, 0.45, 1.5).reshape(-1, 3)
    return Mesh.build(corners, np.repeat(out, 4, axis=0), uv, index, Paint(Layer.LEAF, tint), tints)


def on_ball(count: int, rng: np.random.Generator, lowest: float = -1.0) -> NDArray[np.float64]:
    """Random directions (count, 3), none lower than y = `lowest`."""
    y = rng.uniform(lowest, 1, count)
    angle = rng.uniform(0, 2 * math.pi, count)
    r = np.sqrt(1 - y * y)
    return np.stack([r * np.cos(angle), y, r * np.sin(angle)], 1)


def clump(
    radius: ArrayLike,
    tint: Rgb,
    leaves: int,
    rng: np.random.Generator,
    length: float = 0.16,
    width: float = 0.08,
    level: int = 1,
) -> Plant:
    """A round mass of foliage around the origin."""
    reach = np.broadcast_to(np.asarray(radius, float), (3,))
    # Under the leaves of a small plant nobody misses the picture.
    big = float(reach.max()) > 0.35
    dark = 0.86 if big else 0.62
    paint = Paint(Layer.FOLIAGE if big else Layer.LEAF, (tint[0] * dark, tint[1] * dark, tint[2] * dark))
    body = ball(reach * 0.92, paint, level, lumps=0.22, seed=int(rng.integers(1 << 30)))
    way = on_ball(leaves, rng, -0.8)
    return Plant(
        body, leaf_quads(way * reach * rng.uniform(0.85, 1.03, (leaves, 1)), way / reach, tint, rng, length, width)
    )


def trunk(points: ArrayLike, radius: float) -> Mesh:
    """A bent, tapering stem."""
    path = np.asarray(points, float)
    t = np.linspace(0, len(path) - 1, len(path) * 2)
    smooth = np.stack([np.interp(t, np.arange(len(path)), path[:, i]) for i in range(3)], 1)
    return tube(smooth, np.linspace(radius, radius * 0.5, len(smooth)), 6, BARK)


def olive_tree(rng: np.random.Generator) -> Plant:
    """An old olive tree, about 4 m high."""
    stems = [
        trunk([(0, 0, 0), (0.12, 0.5, 0.05), (-0.05, 1.0, 0.1), (0.1, 1.5, 0)], 0.24),
        trunk([(0.1, 1.35, 0), (0.5, 1.9, 0.1), (0.9, 2.5, 0.2)], 0.13),
        trunk([(0.05, 1.3, 0), (-0.5, 1.9, 0.2), (-0.8, 2.5, 0.1)], 0.12),
        trunk([(0.05, 1.4, 0), (0.1, 2.0, -0.4), (0, 2.8, -0.6)], 0.11),
    ]
    crowns = [
        ((0.95, 2.75, 0.2), 0.75), ((-0.85, 2.7, 0.25), 0.78), ((0, 3.1, -0.6), 0.8), ((0.15, 3.45, 0.15), 0.85),
        ((0.5, 2.55, 0.75), 0.6), ((-0.35, 2.6, -0.9), 0.55),
    ]  # fmt: skip
    masses = [clump((r, r * 0.72, r), OLIVE, 150, rng, 0.24, 0.08).placed(at) for at, r in crowns]
    return Plant(joined([*stems, *(m.bodies for m in masses)]), joined(m.leaves for m in masses))


def lemon_tree(rng: np.random.Generator, fruit: Rgb = (1.0, 0.84, 0.10)) -> Plant:
    """A small round citrus tree with fruit, about 1.5 m above its pot."""
    crown = clump((0.52, 0.5, 0.52), LEMON_LEAF, 140, rng, 0.20, 0.11, 2).placed((0, 1.05, 0))
    paint = Paint(Layer.SKIN, fruit)
    ways = on_ball(9, rng, -0.55)
    fruits = [ball((0.06, 0.07, 0.06), paint, 0).placed((0, 1.05, 0) + way * 0.51) for way in ways]
    stem = trunk([(0, 0, 0), (0.03, 0.35, 0.02), (0, 0.8, 0)], 0.05)
    return Plant(joined([stem, crown.bodies, *fruits]), crown.leaves)


def cypress(height: float, rng: np.random.Generator, leaves: int = 110, segments: int = 8) -> Plant:
    """A slender Italian cypress."""
    rings = 9
    t = np.linspace(0, 1, rings)
    radius = height * 0.085 * np.minimum(1, (t + 0.03) * 6) * (1 - t**2.2) ** 0.8 + 0.01
    tint: Rgb = (0.20, 0.37, 0.20)
    profile = [(float(r), float(0.25 + y * (height - 0.25))) for r, y in zip(radius, t, strict=True)]
    body = lathe(profile, segments, Paint(Layer.FOLIAGE, tint, 1.6))
    # The seam's two copies of a vertex must move alike: the shift is a function of the place.
    place = np.round(body.position_N3, 3) @ np.array([12.9898, 78.233, 37.719])
    bumps = 1 + 0.16 * np.sin(place * 7.31)
    shaped = body.position_N3 * np.stack([bumps, np.ones_like(bumps), bumps], 1)
    body = replace(body, position_N3=shaped.astype(np.float32))
    y = rng.uniform(0.03, 0.97, leaves)
    angle = rng.uniform(0, 2 * math.pi, leaves)
    r = np.interp(y, t, radius) * 1.02
    at = np.stack([r * np.cos(angle), 0.25 + y * (height - 0.25), r * np.sin(angle)], 1)
    out = np.stack([np.cos(angle), np.full(leaves, 0.9), np.sin(angle)], 1)
    tufts = leaf_quads(at, out, (0.25, 0.45, 0.22), rng, 0.55, 0.21, droop=-0.9)
    return Plant(body, tufts)


def far_cypress(height: float) -> Mesh:
    """A cypress of some twenty triangles, for a distance."""
    h = height
    profile = [(h * 0.04, 0), (h * 0.105, h * 0.28), (0, h)]
    return lathe(profile, 5, Paint(Layer.FOLIAGE, (0.22, 0.38, 0.22), 3.0))


def blossoms(at_N3: ArrayLike, out_N3: ArrayLike, tint: Rgb, rng: np.random.Generator, size: float) -> Mesh:
    """A petal cross (two folded leaves) at every point."""
    at, out = np.asarray(at_N3, float), np.asarray(out_N3, float)
    return joined([leaf_quads(at, out, tint, rng, size, size * 0.8, 0.0, 0.16) for _ in range(2)])


def geranium(rng: np.random.Generator, flower: Rgb = SCARLET, spread: float = 0.26) -> Plant:
    """A bushy flower in bloom, to stand in a pot or a box."""
    bush = clump((spread, spread * 0.75, spread), GREEN, 34, rng, 0.13, 0.11).placed((0, spread * 0.55, 0))
    way = on_ball(20, rng, 0.05)
    heads = way * [spread * 1.12, spread * 1.0, spread * 1.12] + [0, spread * 0.62, 0]
    return Plant(bush.bodies, joined([bush.leaves, blossoms(heads, way, flower, rng, 0.11)]))


def agave(rng: np.random.Generator, length: float = 0.55) -> Plant:
    """A rosette of pointed leaves."""
    count = 22
    angle = np.arange(count) * 2.39996
    rise = np.linspace(0.15, 1.25, count)
    out = np.stack([np.cos(angle) * np.cos(rise), np.sin(rise), np.sin(angle) * np.cos(rise)], 1)
    side = np.stack([-np.sin(angle), 0 * angle, np.cos(angle)], 1) * 0.055
    lift = np.array([0, 0.05, 0])
    corners = np.stack([out * 0, out * length * 0.5 - side + lift, out * length, out * length * 0.5 + side + lift], 1)
    uv = np.zeros((count, 4, 2))
    index = (np.arange(count)[:, None] * 4 + [0, 1, 2, 0, 2, 3]).reshape(-1, 3)
    tints = (rng.uniform(0.85, 1.15, (count, 1)) * [0.75, 0.85, 1.1, 1.05]).reshape(-1, 1)
    leaves = Mesh.build(
        corners, np.repeat(out * 0.4 + [0, 1, 0], 4, axis=0), uv, index, Paint(Layer.LEAF, (0.45, 0.66, 0.55)), tints
    )
    return Plant(ball(0.06, EARTH, 0), leaves)


def climber(at_N3: ArrayLike, out_N3: ArrayLike, flower: Rgb, rng: np.random.Generator, share: float = 0.45) -> Plant:
    """Foliage with flowers that covers the given points, e.g. of a wall or a beam."""
    at, out = np.asarray(at_N3, float), np.asarray(out_N3, float)
    blooming = rng.uniform(size=len(at)) < share
    green = leaf_quads(at, out, GREEN, rng, 0.17, 0.13, 0.4)
    flowers = blossoms(at[blooming] + out[blooming] * 0.07, out[blooming], flower, rng, 0.105)
    # Large dark leaves close to the wall carry the mass.
    few = slice(None, None, 3)
    under = leaf_quads(at[few] - out[few] * 0.04, out[few], (0.24, 0.38, 0.14), rng, 0.27, 0.22, 0.2)
    return Plant(ball(0.05, EARTH, 0).placed(at[0]), joined([under, green, flowers]))


def wisteria(at_N3: ArrayLike, rng: np.random.Generator) -> Mesh:
    """A hanging cluster of petals under every point."""
    at = np.asarray(at_N3, float)
    petals = []
    for point in at:
        t = rng.uniform(0, 1, 13)
        way = on_ball(13, rng, -0.9)
        reach = 0.10 * (1 - t[:, None] * 0.75)
        petals.append(point + way * reach - np.stack([0 * t, 0.38 * t, 0 * t], 1))
    points = np.concatenate(petals)
    out = points - np.repeat(at, 13, axis=0) + [0, 0.25, 0]
    return leaf_quads(points, out, WISTERIA, rng, 0.085, 0.075, 0.3, 0.2)
