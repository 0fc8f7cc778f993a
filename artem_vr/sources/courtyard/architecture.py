"""Walls with arches and windows, roofs, balusters: the vocabulary of the buildings.

Walls are made in their own plane (along X from 0, up Y from 0, outside +Z) and then placed.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.mesh import Mesh, cross, joined
from artem_vr.sources.courtyard.paint import Layer, Paint
from artem_vr.sources.courtyard.primitives import box, grid_index, lathe, patch

Hole = tuple[float, float, float, float]
"""x, y, width and height of a rectangular opening, metres."""

STONE = Paint(Layer.STONE, (1.0, 0.93, 0.80))
WOOD = Paint(Layer.WOOD, (0.72, 0.50, 0.33))


def arch_outline(center: float, half_width: float, spring: float, steps: int = 10) -> NDArray[np.float64]:
    """The (x, y) points of an opening with a round arch, from its left foot over the crown to its right foot."""
    angle = np.linspace(math.pi, 0, steps + 1)
    curve = np.stack([center + half_width * np.cos(angle), spring + half_width * np.sin(angle)], 1)
    return np.concatenate([[[center - half_width, 0]], curve, [[center + half_width, 0]]])


def arched_wall(
    length: float, height: float, thickness: float, outlines: Sequence[NDArray[np.float64]], paint: Paint
) -> Mesh:
    """A wall with arched openings: front at z = 0, back at z = -thickness, and the insides of the arches."""
    edge = np.concatenate([[[0.0, 0.0]], *outlines, [[length, 0.0]]])
    start, end = edge[:-1], edge[1:]
    standing = end[:, 0] - start[:, 0] > 1e-6
    parts = [_columns(start[standing], end[standing], height, z, paint) for z in (0.0, -thickness)]
    for outline in outlines:
        step = np.diff(outline, axis=0)
        normal = np.stack([step[:, 1], -step[:, 0], 0 * step[:, 0]], 1)
        near = np.concatenate([outline, np.zeros((len(outline), 1))], 1)
        far = near - [0, 0, thickness]
        corners = np.stack([near[:-1], near[1:], far[:-1], far[1:]], 1)
        way = np.cumsum(np.linalg.norm(step, axis=1))
        v = np.stack([way - np.linalg.norm(step, axis=1), way] * 2, 1)
        uv = np.stack([np.broadcast_to([0, 0, thickness, thickness], v.shape), v], -1) * paint.repeats_per_metre
        index = (np.arange(len(step))[:, None] * 4 + [0, 1, 2, 1, 3, 2]).reshape(-1, 3)
        parts.append(Mesh.build(corners, np.repeat(normal, 4, axis=0), uv, index, paint))
    parts.append(patch((0, height, 0), (length, 0, 0), (0, 0, -thickness), paint, 1.0))
    return joined(parts)


def _columns(
    start: NDArray[np.float64], end: NDArray[np.float64], height: float, z: float, paint: Paint, rows: int = 4
) -> Mesh:
    """The face of a wall as strips from a lower edge (start to end, (S, 2)) up to `height`."""
    t = np.linspace(0, 1, rows + 1)[None, :, None]
    low = np.stack([start, end], 1)[:, None]  # (S, 1, 2, 2): strip, row, side, xy
    points = np.zeros((len(start), rows + 1, 2, 3))
    points[..., 0] = low[..., 0]
    points[..., 1] = low[..., 1] + (height - low[..., 1]) * t
    points[..., 2] = z
    index = grid_index(rows + 1, 2)[None] + (np.arange(len(start)) * (rows + 1) * 2)[:, None, None]
    return Mesh.build(
        points, (0, 0, 1 if z == 0 else -1), points[..., :2] * paint.repeats_per_metre, index.reshape(-1, 3), paint
    )


def wall(length: float, height: float, holes: Sequence[Hole], paint: Paint, cell: float = 0.7) -> Mesh:
    """The outside face of a wall with rectangular holes, cut into cells small enough for shading by the vertex."""
    xs = _cuts(length, [(x, x + w) for x, _, w, _ in holes], cell)
    ys = _cuts(height, [(y, y + h) for _, y, _, h in holes], cell)
    x, y = np.meshgrid(xs, ys)
    points = np.stack([x, y, 0 * x], -1)
    quads = grid_index(len(ys), len(xs)).reshape(len(ys) - 1, len(xs) - 1, 2, 3)
    middle = np.stack(np.meshgrid((xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2), -1)
    solid = np.ones(middle.shape[:2], bool)
    for hx, hy, hw, hh in holes:
        inside = (np.abs(middle - [hx + hw / 2, hy + hh / 2]) < [hw / 2, hh / 2]).all(-1)
        solid &= ~inside
    return Mesh.build(points, (0, 0, 1), points[..., :2] * paint.repeats_per_metre, quads[solid].reshape(-1, 3), paint)


def _cuts(length: float, spans: Sequence[tuple[float, float]], cell: float) -> NDArray[np.float64]:
    """Coordinates from 0 to length that hit every end of `spans` and lie at most `cell` apart."""
    fixed = sorted({0.0, length, *(end for span in spans for end in span)})
    pieces = [np.linspace(a, b, max(1, math.ceil((b - a) / cell)) + 1)[:-1] for a, b in itertools.pairwise(fixed)]
    return np.concatenate([*pieces, [length]])


def window(hole: Hole, frame: Paint, shutters: Paint | None, open_angle: float = 2.6, deep: float = 0.22) -> Mesh:
    """What fills a hole: reveals, a dark pane with glazing bars, a sill, a frame of stone and open shutters."""
    x, y, w, h = hole
    pane = Paint(Layer.SKIN, (0.20, 0.27, 0.36))
    bars = Paint(Layer.WOOD, (0.93, 0.88, 0.78))
    parts = [
        patch((x, y, -deep), (w, 0, 0), (0, h, 0), pane),
        patch((x, y, -deep), (0, h, 0), (0, 0, deep), frame),
        patch((x + w, y, 0), (0, h, 0), (0, 0, -deep), frame),
        patch((x, y + h, -deep), (w, 0, 0), (0, 0, deep), frame),
        box((x + w / 2, y - 0.05, 0.05), (w + 0.3, 0.1, 0.3), frame),
        box((x + w / 2, y + h + 0.09, 0.015), (w + 0.36, 0.18, 0.09), frame),
        box((x - 0.08, y + h / 2, 0.01), (0.16, h, 0.06), frame),
        box((x + w + 0.08, y + h / 2, 0.01), (0.16, h, 0.06), frame),
        box((x + w / 2, y + h / 2, -deep + 0.03), (0.06, h, 0.05), bars),
        box((x + w / 2, y + h * 0.62, -deep + 0.03), (w, 0.05, 0.05), bars),
    ]
    if shutters is not None:
        for side in (-1, 1):
            leaf = box((w / 4, h / 2, 0), (w / 2, h, 0.045), shutters)
            hinge = (x if side < 0 else x + w, y, 0.07)
            parts.append(leaf.placed(hinge, -open_angle if side < 0 else math.pi + open_angle))
    return joined(parts)


def tiled_roof(width: float, slope: float, drop: float, tint: tuple[float, float, float]) -> Mesh:
    """A roof of barrel tiles: along X, falling `drop` metres over `slope` metres towards +Z, with its round eaves."""
    pitch, per = 0.3, 4
    columns = max(1, round(width / pitch)) * per
    s = np.linspace(0, 1, columns + 1)
    wave = 0.065 * np.abs(np.cos(s * columns / per * math.pi))
    rows = max(1, round(slope / 1.8))
    t = np.linspace(0, 1, rows + 1)[:, None]
    lift = np.array([0, slope, drop]) / math.hypot(slope, drop)
    base = np.stack([0 * t + s * width, -t * drop + 0 * s, t * slope + 0 * s], -1)
    points = base + wave[None, :, None] * lift
    run = math.hypot(slope, drop)
    uv = np.stack([np.broadcast_to(s * columns / per, t.shape[:1] + s.shape), t * run / 0.36 + 0 * s], -1)
    paint = Paint(Layer.ROOF, tint)
    normals = np.gradient(points, axis=0)
    across = np.gradient(points, axis=1)
    top = Mesh.build(points, cross(normals, across).reshape(-1, 3), uv, grid_index(rows + 1, columns + 1), paint)
    ends = np.stack([points[-1], base[-1] - lift * 0.03], 0)
    dark = Paint(Layer.POT, (tint[0] * 0.75, tint[1] * 0.7, tint[2] * 0.7))
    eave = Mesh.build(
        ends, (0, -lift[2], lift[1]), np.stack([np.tile(s * 9, 2), np.repeat([0, 0.2], len(s))], -1),
        grid_index(2, columns + 1), dark,
    )  # fmt: skip
    under = patch((width, -0.03, 0), (-width, 0, 0), (0, -drop, slope), Paint(Layer.WOOD, (0.6, 0.42, 0.3)), 0.9)
    return joined([top, eave, under])


def baluster() -> Mesh:
    """One turned post of a balustrade, 0.62 m high."""
    profile = [(0.07, 0), (0.05, 0.08), (0.088, 0.23), (0.04, 0.46), (0.075, 0.62)]
    return lathe(profile, 6, STONE)


def balustrade(length: float) -> Mesh:
    """A stone balustrade along X from 0, about 1 m high: plinth, balusters, rail and a pedestal at both ends."""
    count = max(1, round((length - 0.5) / 0.29))
    parts = [
        box((length / 2, 0.09, 0), (length, 0.18, 0.3), STONE, 1.0, open_bottom=True),
        box((length / 2, 0.87, 0), (length, 0.14, 0.32), STONE, 1.0),
    ]
    parts += [baluster().placed(((i + 0.5) * (length - 0.5) / count + 0.25, 0.18, 0)) for i in range(count)]
    return joined(parts)


def pedestal() -> Mesh:
    """The square post between two balustrades, 1.1 m high."""
    return joined(
        [
            box((0, 0.12, 0), (0.56, 0.24, 0.56), STONE, open_bottom=True),
            box((0, 0.59, 0), (0.44, 0.74, 0.44), STONE, 0.4, open_bottom=True),
            box((0, 1.02, 0), (0.58, 0.13, 0.58), STONE),
        ]
    )


def column(height: float, radius: float) -> Mesh:
    """A round stone column with a base and a capital."""
    r, h = radius, height
    profile = [
        (r * 1.45, 0), (r * 1.45, 0.1), (r * 1.25, 0.16), (r * 1.3, 0.2), (r, 0.26), (r * 1.02, h * 0.45),
        (r * 0.86, h - 0.34), (r * 1.05, h - 0.32), (r * 1.05, h - 0.27), (r * 0.9, h - 0.24), (r * 1.5, h - 0.08),
    ]  # fmt: skip
    slab = box((0, h - 0.04, 0), (r * 3.2, 0.08, r * 3.2), STONE)
    foot = box((0, 0.05, 0), (r * 3.1, 0.1, r * 3.1), STONE, open_bottom=True)
    return joined([lathe(profile, 10, STONE), slab, foot])


def plank_door(width: float, height: float, paint: Paint, arched: bool = True) -> Mesh:
    """A wooden door in its frame's plane (x centred, bottom at y = 0), with iron studs' shadow left to the picture."""
    half = width / 2
    outline = arch_outline(0, half, height - half, 12) if arched else np.array(
        [[-half, 0], [-half, height], [half, height], [half, 0]], float
    )  # fmt: skip
    points = np.concatenate([[[0, height * 0.4]], outline])
    around = np.arange(len(outline))
    fan = np.stack([0 * around, around + 1, np.roll(around, -1) + 1], 1)
    flat = np.concatenate([points, np.zeros((len(points), 1))], 1)
    leaf = Mesh.build(flat, (0, 0, 1), points * paint.repeats_per_metre, fan, paint)
    knob = Paint(Layer.SKIN, (0.85, 0.66, 0.25))
    bands = [box((0, y, 0.02), (width * 0.96, 0.07, 0.04), Paint(Layer.SKIN, (0.22, 0.2, 0.2))) for y in (0.35, 1.3)]
    return joined([leaf, *bands, box((half * 0.2, 0.95, 0.06), (0.06, 0.16, 0.08), knob)])


def stone_arch(half_width: float, spring: float, depth: float, thick: float = 0.24) -> Mesh:
    """The ring of stones around an arched opening, standing out of the wall by `depth`; x centred."""
    inner = arch_outline(0, half_width, spring, 12)
    outer = arch_outline(0, half_width + thick, spring, 12)
    front = np.stack([np.c_[inner, np.full(len(inner), depth)], np.c_[outer, np.full(len(outer), depth)]], 0)
    side = np.stack([np.c_[outer, np.full(len(outer), depth)], np.c_[outer, np.zeros(len(outer))]], 0)
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(inner, axis=0), axis=1))])
    uv = np.stack([np.tile(way, 2), np.repeat([0, thick], len(way))], -1) * STONE.repeats_per_metre * 1.4
    middle = outer - [0, spring * 0.5]
    out = np.tile(np.c_[middle * [1, 0.3], np.zeros(len(middle))], (2, 1))
    index = grid_index(2, len(inner))
    return joined([Mesh.build(front, (0, 0, 1), uv, index, STONE), Mesh.build(side, out, uv, index, STONE)])
