"""Meshes cut into pieces that are culled and sorted, each with the cheapest way of lighting that is right for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.light import RANGE, vertex_light
from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.shadow import DepthMap
from artem_vr.sources.courtyard.sky import sea_color

VERTEX = np.dtype([("place", "<f4", 3), ("uv", "<f4", 3), ("shade", "u1", 4), ("sun", "u1", 4)])
VERTEX_FORMAT = "3f 3f 4f1 4f1"
_FINE = 0.16
"""Edges shorter than this (metres) need no shadow map: light at the vertices is fine enough."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A run of indices and the box around its triangles."""

    first: int
    count: int
    low: NDArray[np.float32]
    high: NDArray[np.float32]


def vertices(
    mesh: Mesh, occlusion_N: NDArray[np.float32] | float, lit_N: NDArray[np.float32] | float
) -> NDArray[np.void]:
    """The vertex buffer of a mesh (`VERTEX`): place, picture, colours in shade and sun, and the light at the vertex."""
    shade, sun = vertex_light(mesh, occlusion_N)
    data = np.zeros(len(mesh.position_N3), VERTEX)
    data["place"] = mesh.position_N3
    data["uv"][:, :2], data["uv"][:, 2] = mesh.uv_N2, mesh.layer_N
    data["shade"][:, :3], data["sun"][:, :3] = shade * (255 / RANGE) + 0.5, sun * (255 / RANGE) + 0.5
    data["sun"][:, 3] = np.broadcast_to(np.asarray(lit_N) * 255 + 0.5, len(data))
    return data


def sea_vertices(mesh: Mesh, eye_height: float = 1.65) -> NDArray[np.void]:
    """The vertex buffer of the sea: its colour as seen from the courtyard takes the place of the light."""
    way = mesh.position_N3 - np.array([0, eye_height, 0], np.float32)
    data = vertices(mesh, 1.0, 1.0)
    data["shade"][:, :3] = sea_color(way / np.linalg.norm(way, axis=1, keepdims=True)) * (255 / RANGE) + 0.5
    return data


def needs_shadow_map(mesh: Mesh, sun: DepthMap) -> NDArray[np.bool_]:
    """Which triangles (M,) have a shadow's edge on them: neither all lit nor all dark, faced to the sun, not tiny."""
    corners = mesh.position_N3[mesh.index_M3]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    shade, lit = vertex_light(mesh)
    sunny = ((lit - shade).max(1) > 0.02)[mesh.index_M3].any(1)
    asked = np.flatnonzero(sunny & (longest > _FINE))
    low, high = np.ones(len(asked), np.float32), np.zeros(len(asked), np.float32)
    steps = 6
    for i in range(steps + 1):
        for j in range(steps + 1 - i):
            weight = np.array([i, j, steps - i - j], np.float32) / steps
            points = np.einsum("k,mkc->mc", weight, corners[asked])
            light = sun.lit(points, soft=1)
            low, high = np.minimum(low, light), np.maximum(high, light)
    mixed = np.zeros(len(corners), bool)
    mixed[asked] = (low < 0.99) & (high > 0.01)
    return mixed


def cut(mesh: Mesh, index_M3: NDArray[np.int32], cell: float) -> tuple[NDArray[np.int32], list[Chunk]]:
    """Triangles sorted into cubes of `cell` metres: the new index and its chunks."""
    if not len(index_M3):
        return index_M3, []
    middle = mesh.position_N3[index_M3].mean(1)
    key = np.floor(middle / [cell, cell * 1.5, cell]).astype(np.int64) + 4096
    code = (key[:, 0] * 8192 + key[:, 1]) * 8192 + key[:, 2]
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    index = np.ascontiguousarray(index_M3[order])
    chunks = []
    for first, last in zip(starts, [*starts[1:], len(order)], strict=True):
        points = mesh.position_N3[index[first:last].reshape(-1)]
        chunks.append(Chunk(int(first) * 3, int(last - first) * 3, points.min(0), points.max(0)))
    return index, chunks


def visible(
    chunks_low_C3: NDArray[np.float32], chunks_high_C3: NDArray[np.float32], clip_44: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Which boxes (C,) reach into the view of a world-to-clip matrix."""
    # Gribb and Hartmann: the planes of the view are sums of the matrix's rows.
    planes = np.concatenate([clip_44[3] + clip_44[:3], clip_44[3] - clip_44[:3]])
    # The corner of a box that lies farthest inside a plane, times the plane.
    reach = chunks_high_C3 @ np.maximum(planes[:, :3], 0).T + chunks_low_C3 @ np.minimum(planes[:, :3], 0).T
    inside: NDArray[np.bool_] = (reach + planes[:, 3] > 0).all(1)
    return inside
