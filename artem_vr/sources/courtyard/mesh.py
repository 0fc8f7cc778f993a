"""A triangle mesh as flat arrays, and how meshes are joined and placed."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.sources.courtyard.paint import Paint

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]


def cross(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """The cross product of vectors (..., 3); several times quicker than `np.cross` for the small arrays here."""
    ax, ay, az = np.moveaxis(np.asarray(a, np.float64), -1, 0)
    bx, by, bz = np.moveaxis(np.asarray(b, np.float64), -1, 0)
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """N vertices and M triangles (counter-clockwise seen from outside), float32 and int32.

    position_N3 in metres; normal_N3 of length one; uv_N2 in repeats of the layer's picture; tint_N3 sRGB;
    layer_N the number in the texture array; sway_N how many metres the wind moves a vertex; flow_N how many repeats
    a second the picture runs along v; index_M3.
    """

    position_N3: Floats
    normal_N3: Floats
    uv_N2: Floats
    tint_N3: Floats
    layer_N: Floats
    sway_N: Floats
    flow_N: Floats
    index_M3: Indices

    @classmethod
    def build(
        cls, position: ArrayLike, normal: ArrayLike, uv: ArrayLike, index: ArrayLike, paint: Paint, tint: ArrayLike = 1
    ) -> "Mesh":
        """A mesh in one material. `tint` (N, 3) multiplies the paint's own; triangles are turned to their normals."""
        points = np.asarray(position, np.float32).reshape(-1, 3)
        count = len(points)
        normals = np.broadcast_to(np.asarray(normal, np.float32), (count, 3))
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        # Where a surface shrinks to a point it has no normal of its own.
        normals = np.where(lengths < 1e-9, np.array([0, 1, 0], np.float32), normals / np.maximum(lengths, 1e-9))
        mesh = cls(
            points,
            normals.astype(np.float32),
            np.asarray(uv, np.float32).reshape(-1, 2),
            np.broadcast_to(np.asarray(paint.tint, np.float32) * np.asarray(tint, np.float32), (count, 3)).copy(),
            np.full(count, float(paint.layer), np.float32),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
            np.asarray(index, np.int32).reshape(-1, 3),
        )
        return mesh._oriented()

    def _oriented(self) -> "Mesh":
        corners = self.position_N3[self.index_M3]
        facing = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(facing, axis=1)
        against = (facing * self.normal_N3[self.index_M3].sum(1)).sum(1) < 0
        index = np.where(against[:, None], self.index_M3[:, ::-1], self.index_M3)
        return replace(self, index_M3=index[area > 1e-9].astype(np.int32))

    def facing(self, normal: ArrayLike) -> "Mesh":
        """With one normal for all vertices, the triangles turned to it."""
        normals = np.broadcast_to(np.asarray(normal, np.float32), self.normal_N3.shape)
        return replace(self, normal_N3=normals.astype(np.float32))._oriented()

    def placed(self, at: ArrayLike = (0, 0, 0), yaw: float = 0.0, scale: float = 1.0) -> "Mesh":
        """Scaled, then turned about Y (positive to the left), then moved."""
        c, s = math.cos(yaw), math.sin(yaw)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
        return self.turned(turn, at, scale)

    def turned(self, turn_33: ArrayLike, at: ArrayLike = (0, 0, 0), scale: float = 1.0) -> "Mesh":
        """Scaled, then rotated by a matrix, then moved."""
        turn = np.asarray(turn_33, np.float32)
        position = (self.position_N3 * np.float32(scale)) @ turn.T + np.asarray(at, np.float32)
        return replace(self, position_N3=position.astype(np.float32), normal_N3=self.normal_N3 @ turn.T)

    def retinted(self, tint: ArrayLike) -> "Mesh":
        """Every vertex's tint multiplied by `tint` (3,) or (N, 3)."""
        return replace(self, tint_N3=(self.tint_N3 * np.asarray(tint, np.float32)).astype(np.float32))

    def moving(self, sway: ArrayLike = 0.0, flow: ArrayLike = 0.0) -> "Mesh":
        """With wind (metres) and running picture (repeats a second), scalars or one a vertex."""
        count = len(self.position_N3)
        return replace(
            self,
            sway_N=np.broadcast_to(np.asarray(sway, np.float32), (count,)).copy(),
            flow_N=np.broadcast_to(np.asarray(flow, np.float32), (count,)).copy(),
        )


def joined(meshes: Iterable[Mesh]) -> Mesh:
    """One mesh of many, in their order."""
    parts = list(meshes)
    starts = np.cumsum([0, *(len(part.position_N3) for part in parts[:-1])])
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Mesh)
        if field.name != "index_M3"
    }
    index = np.concatenate([part.index_M3 + np.int32(start) for part, start in zip(parts, starts, strict=True)])
    return Mesh(index_M3=index, **columns)
