"""Simple shapes as meshes: patches, boxes, turned profiles, tubes, balls and free surfaces."""

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.sources.courtyard.mesh import Mesh, cross, joined
from artem_vr.sources.courtyard.paint import Paint

_CREASE = math.cos(math.radians(42))


def grid_index(rows: int, columns: int) -> NDArray[np.int32]:
    """The triangles (M, 3) of a grid of rows x columns vertices in row-major order."""
    corner = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    return np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)


def surface(points_UV3: ArrayLike, uv_UV2: ArrayLike, paint: Paint, flip: bool = False) -> Mesh:
    """A smooth surface through a grid of points, outside where du x dv points (the other side with `flip`)."""
    points = np.asarray(points_UV3, np.float32)
    normals = cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    if flip:
        normals = -normals
    return Mesh.build(points, normals.reshape(-1, 3), uv_UV2, grid_index(*points.shape[:2]), paint)


def patch(
    corner: ArrayLike, along: ArrayLike, up: ArrayLike, paint: Paint, cell: float = 0.0, uv_at: ArrayLike = (0, 0)
) -> Mesh:
    """A parallelogram, outside where along x up points, cut into cells of about `cell` metres (0: not cut)."""
    origin, u, v = (np.asarray(value, np.float32) for value in (corner, along, up))
    lengths = np.linalg.norm(u), np.linalg.norm(v)
    columns, rows = (max(1, math.ceil(length / cell - 0.01)) if cell else 1 for length in lengths)
    s, t = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    points = origin + s[..., None] * u + t[..., None] * v
    uv = np.stack([s * lengths[0], t * lengths[1]], -1) * paint.repeats_per_metre + np.asarray(uv_at, np.float32)
    return Mesh.build(points, cross(u, v), uv, grid_index(rows + 1, columns + 1), paint)


def _cube() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """The unit cube's faces one by one: corners (6, 4, 3) in [-1, 1], normals (6, 3), axes (6, 2) of the picture."""
    corners, normals, axes = [], [], []
    # The picture stands upright on the sides: its v runs along Y there.
    for axis, (i, j) in enumerate(((2, 1), (0, 2), (0, 1))):
        for sign in (-1.0, 1.0):
            face = np.zeros((4, 3))
            face[:, axis], face[:, i], face[:, j] = sign, (-1, 1, 1, -1), (-1, -1, 1, 1)
            corners.append(face)
            normals.append(np.eye(3)[axis] * sign)
            axes.append((i, j))
    return np.array(corners), np.array(normals), np.array(axes, np.int32)


_CORNERS, _NORMALS, _AXES = _cube()
_BOTTOM = 2  # the face that looks down


def box(center: ArrayLike, size: ArrayLike, paint: Paint, cell: float = 0.0, open_bottom: bool = False) -> Mesh:
    """An axis-parallel box; `open_bottom` leaves out the face that nobody sees."""
    c, half = np.asarray(center, np.float64), np.asarray(size, np.float64) / 2
    faces = [face for face in range(6) if not (open_bottom and face == _BOTTOM)]
    corners = _CORNERS[faces] * half
    if cell:
        return joined(
            patch(c + f[0], f[1] - f[0], f[3] - f[0], paint, cell, c[_AXES[n]] * (0.37, 0.23)).facing(_NORMALS[n])
            for f, n in zip(corners, faces, strict=True)
        )
    axes = _AXES[faces]
    flat = np.take_along_axis(corners + half, np.broadcast_to(axes[:, None], (len(faces), 4, 2)), 2)
    uv = flat * paint.repeats_per_metre + (c[axes] * (0.37, 0.23))[:, None]
    index = (np.arange(len(faces))[:, None] * 4 + [0, 1, 2, 0, 2, 3]).reshape(-1, 3)
    return Mesh.build(corners + c, np.repeat(_NORMALS[faces], 4, axis=0), uv, index, paint)


def lathe(profile_P2: Sequence[tuple[float, float]], segments: int, paint: Paint, sharp: bool = False) -> Mesh:
    """A profile of (radius, height) points, from bottom to top, turned about Y; outside is right of its direction.

    Corners of the profile sharper than 42 degrees stay edges. `sharp` makes a prism with flat sides.
    """
    profile = np.asarray(profile_P2, np.float64)
    steps = np.diff(profile, axis=0)
    out = np.stack([steps[:, 1], -steps[:, 0]], 1) / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-9)
    ends = np.stack([out, out], 1)  # (segment, start or end, normal)
    soft = (out[:-1] * out[1:]).sum(1) > _CREASE
    mean = out[:-1] + out[1:]
    ends[:-1, 1][soft] = mean[soft]
    ends[1:, 0][soft] = mean[soft]
    rings = np.stack([profile[:-1], profile[1:]], 1).reshape(-1, 2)
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(steps, axis=1))])
    v = np.stack([way[:-1], way[1:]], 1).reshape(-1) * paint.repeats_per_metre
    turn = 2 * math.pi * np.arange(segments + 1) / segments + math.pi / segments
    widest = profile[:, 0].max() * 2 * math.pi * paint.repeats_per_metre
    repeats = max(1.0, round(widest)) if widest > 0.6 else widest
    if sharp:
        left, right = np.arange(segments), np.arange(1, segments + 1)
        columns, middle = np.stack([left, right], 1).reshape(-1), (turn[:-1] + turn[1:]) / 2
        facing = np.repeat(middle, 2)
    else:
        columns, facing = np.arange(segments + 1), turn
    angle = turn[columns]
    r, y, n = rings[:, None, 0], rings[:, None, 1], ends.reshape(-1, 2)
    points = np.stack([r * np.sin(angle), y + 0 * angle, r * np.cos(angle)], -1)
    normals = np.stack([n[:, :1] * np.sin(facing), n[:, 1:] + 0 * facing, n[:, :1] * np.cos(facing)], -1)
    uv = np.stack(np.broadcast_arrays(repeats * columns / segments, v[:, None]), -1)
    quads = grid_index(len(rings), len(columns)).reshape(len(rings) - 1, len(columns) - 1, 2, 3)
    quads = quads[::2, ::2] if sharp else quads[::2]
    return Mesh.build(points, normals.reshape(-1, 3), uv, quads.reshape(-1, 3), paint)


def tube(path_P3: ArrayLike, radius: ArrayLike, sides: int, paint: Paint) -> Mesh:
    """A pipe along a path of points, `radius` one number or one a point; its ends are open."""
    path = np.asarray(path_P3, np.float64)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(path),))
    ahead = np.gradient(path, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(ahead[:, 1:2]) > 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    side = cross(ahead, helper)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = cross(side, ahead)
    angle = np.linspace(0, 2 * math.pi, sides + 1)
    normals = side[:, None] * np.cos(angle)[:, None] + up[:, None] * np.sin(angle)[:, None]
    points = path[:, None] + normals * radii[:, None, None]
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    round_uv = np.broadcast_to(angle * radii.mean(), (len(path), sides + 1))
    uv = np.stack([round_uv, np.broadcast_to(way[:, None], round_uv.shape)], -1) * paint.repeats_per_metre
    return Mesh.build(points, normals.reshape(-1, 3), uv, grid_index(len(path), sides + 1), paint)


def disc(radius: float, segments: int, paint: Paint, rings: int = 1) -> Mesh:
    """A flat disc facing up, around the origin."""
    angle = np.linspace(0, 2 * math.pi, segments + 1)
    r = np.linspace(0, radius, rings + 1)[:, None]
    points = np.stack([r * np.sin(angle), 0 * r * angle, r * np.cos(angle)], -1)
    uv = points[..., [0, 2]] * paint.repeats_per_metre
    return Mesh.build(points, (0, 1, 0), uv, grid_index(rings + 1, segments + 1), paint)


@functools.cache
def _unit_ball(level: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    golden = (1 + math.sqrt(5)) / 2
    corners = [(s * 1, t * golden, 0) for s in (-1, 1) for t in (-1, 1)]
    points = np.array([*corners, *[(0, a, b) for a, b, _ in corners], *[(b, 0, a) for a, b, _ in corners]], float)
    near = np.linalg.norm(points[:, None] - points[None], axis=-1) < 2.1
    faces = [
        (i, j, k)
        for i in range(12)
        for j in range(i + 1, 12)
        for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    index = np.array(faces, np.int32)
    for _ in range(level):
        a, b, c = (points[index[:, i]] for i in range(3))
        middle = np.concatenate([points, (a + b) / 2, (b + c) / 2, (c + a) / 2])
        n, m = len(points), len(index)
        ab, bc, ca = (n + np.arange(m) + k * m for k in range(3))
        i, j, k = index.T
        index = np.concatenate([np.stack(t, 1) for t in ((i, ab, ca), (j, bc, ab), (k, ca, bc), (ab, bc, ca))])
        points, inverse = np.unique(np.round(middle, 6), axis=0, return_inverse=True)
        index = inverse.reshape(-1)[index].astype(np.int32)
    return points / np.linalg.norm(points, axis=1, keepdims=True), index


def ball(radius: ArrayLike, paint: Paint, level: int = 1, lumps: float = 0.0, seed: int = 0) -> Mesh:
    """A sphere or an ellipsoid around the origin: 20 * 4**level triangles, its surface moved by up to `lumps` radii."""
    unit, index = _unit_ball(level)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (3,))
    reach = np.ones(len(unit))
    if lumps:
        waves = np.random.default_rng(seed).normal(size=(6, 3)) * 3.0
        reach += lumps * np.sin(unit @ waves.T + np.arange(6)).mean(1) * 1.7
    points = unit * reach[:, None] * radii
    normals = unit / radii
    around = np.arctan2(unit[:, 0], unit[:, 2]) / math.pi
    # The seam of the angle lies where |angle| is largest: mirroring the picture there hides it.
    uv = np.stack([np.abs(around) * 2, unit[:, 1]], 1) * radii.mean() * 1.6 * paint.repeats_per_metre
    return Mesh.build(points, normals, uv, index, paint)
