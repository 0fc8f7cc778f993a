"""A mesh on the device, drawn piece by piece: only what is in view, the nearest first."""

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.chunks import VERTEX_FORMAT, Chunk, cut, vertices, visible
from artem_vr.sources.courtyard.mesh import Mesh


class Batch:
    """Triangles that share one program."""

    def __init__(
        self, ctx: moderngl.Context, program: moderngl.Program, mesh: Mesh, index_M3: NDArray[np.int32],
        occlusion_N: NDArray[np.float32] | float = 1.0, lit_N: NDArray[np.float32] | float = 1.0, cell: float = 4.0,
    ) -> None:  # fmt: skip
        index, self._chunks = cut(mesh, index_M3, cell)
        used, compact = np.unique(index, return_inverse=True)
        data = vertices(mesh, occlusion_N, lit_N)[used]
        self._low = np.array([chunk.low for chunk in self._chunks], np.float32).reshape(-1, 3)
        self._high = np.array([chunk.high for chunk in self._chunks], np.float32).reshape(-1, 3)
        self._owned: list[moderngl.Buffer | moderngl.VertexArray] = []
        self._array: moderngl.VertexArray | None = None
        if not self._chunks:
            return
        buffer = ctx.buffer(data.tobytes())
        order = ctx.buffer(compact.astype(np.int32).tobytes())
        names = ("in_position", "in_uv", "in_shade", "in_sun")
        self._array = ctx.vertex_array(program, [(buffer, VERTEX_FORMAT, *names)], order)
        self._owned = [self._array, buffer, order]

    def in_view(self, eye_3: NDArray[np.float32], clips: list[NDArray[np.float32]]) -> list[Chunk]:
        """The chunks that any of the views (world to clip, 4x4) sees, the nearest to the eye first."""
        if not self._chunks:
            return []
        seen = np.logical_or.reduce([visible(self._low, self._high, clip) for clip in clips])
        gap = np.maximum(np.maximum(self._low - eye_3, eye_3 - self._high), 0)
        distance = (gap * gap).sum(1)
        chosen = np.flatnonzero(seen)
        return [self._chunks[i] for i in chosen[np.argsort(distance[chosen], kind="stable")]]

    def draw(self, chunks: list[Chunk]) -> None:
        """Draws some chunks in their order."""
        for chunk in chunks:
            if self._array is not None:
                self._array.render(moderngl.TRIANGLES, vertices=chunk.count, first=chunk.first)

    def release(self) -> None:
        """Frees the GL objects."""
        for thing in self._owned:
            thing.release()
        self._owned, self._array, self._chunks = [], None, []
