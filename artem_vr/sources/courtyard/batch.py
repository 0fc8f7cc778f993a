"""A mesh on the device, drawn piece by piece: only what is in view, the nearest first."""

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.chunks import VERTEX_FORMAT, cut, vertices, visible
from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.occluders import hidden

ATTRIBUTES = ("in_position", "in_uv", "in_shade", "in_sun")
Run = tuple[int, int]
"""First index and number of indices of a draw call."""

_FEWEST = 0.45
_FORMATS = VERTEX_FORMAT.split()
_PADDING = {"3f": "12x", "4f1": "4x"}


def vertex_layout(program: moderngl.Program, buffer: moderngl.Buffer) -> tuple[object, ...]:
    """How a program reads a buffer of vertices; attributes that it does not use are skipped."""
    used = [name in program for name in ATTRIBUTES]
    formats = [form if use else _PADDING[form] for form, use in zip(_FORMATS, used, strict=True)]
    return (buffer, " ".join(formats), *(name for name, use in zip(ATTRIBUTES, used, strict=True) if use))


class Batch:
    """Triangles of one mesh that share one program.

    With `thin_beyond` (metres) chunks farther away than that are drawn with fewer of their triangles, though never
    with less than 0.45 of them: for leaves, whose order must not matter. `outside` chunks are left out where walls or
    floor hide them. `data` are ready vertices in place of those that the mesh, its open sky and its sunlight give.
    """

    def __init__(
        self, ctx: moderngl.Context, program: moderngl.Program, mesh: Mesh, index_M3: NDArray[np.int32], cell: float,
        occlusion_N: NDArray[np.float32] | float = 1.0, lit_N: NDArray[np.float32] | float = 1.0,
        thin_beyond: float | None = None, outside: bool = False, data: NDArray[np.void] | None = None,
    ) -> None:  # fmt: skip
        index, self._chunks = cut(mesh, index_M3, cell)
        self._thin_beyond, self._outside = thin_beyond, outside
        self._low = np.array([chunk.low for chunk in self._chunks], np.float32).reshape(-1, 3)
        self._high = np.array([chunk.high for chunk in self._chunks], np.float32).reshape(-1, 3)
        self._owned: list[moderngl.Buffer | moderngl.VertexArray] = []
        if not self._chunks:
            return
        used, compact = np.unique(index, return_inverse=True)
        data = vertices(mesh, occlusion_N, lit_N) if data is None else data
        buffer = ctx.buffer(data[used].tobytes())
        self._owned.append(buffer)
        order = ctx.buffer(compact.astype(np.int32).tobytes())
        self._owned.append(order)
        self._array = ctx.vertex_array(program, [vertex_layout(program, buffer)], order)
        self._owned.append(self._array)

    def in_view(self, eye_3: NDArray[np.float32], clips: list[NDArray[np.float32]]) -> list[Run]:
        """What any of the views (world to clip, 4x4) of the eyes around a place sees, the nearest first."""
        if not self._chunks:
            return []
        seen = np.logical_or.reduce([visible(self._low, self._high, clip) for clip in clips])
        if self._outside:
            seen[seen] = ~hidden(self._low[seen], self._high[seen], eye_3)
        gap = np.maximum(np.maximum(self._low - eye_3, eye_3 - self._high), 0)
        distance = np.sqrt((gap * gap).sum(1))
        chosen = np.flatnonzero(seen)
        chosen = chosen[np.argsort(distance[chosen], kind="stable")]
        return [(self._chunks[i].first, self._count(i, float(distance[i]))) for i in chosen.tolist()]

    def _count(self, chunk: int, distance: float) -> int:
        count = self._chunks[chunk].count
        if self._thin_beyond is None or distance <= self._thin_beyond:
            return count
        # Whole leaves of two triangles.
        return 6 * max(1, round(count * max(_FEWEST, self._thin_beyond / distance) / 6))

    def draw(self, runs: list[Run]) -> None:
        """Draws what `in_view` gave."""
        for first, count in runs:
            self._array.render(moderngl.TRIANGLES, vertices=count, first=first)

    def release(self) -> None:
        """Frees the GL objects."""
        while self._owned:
            self._owned.pop().release()
