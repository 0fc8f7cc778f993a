"""The things that move, on the device: boats, gulls, the windmill's sails, flags and the fountain's water."""

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.batch import ATTRIBUTES
from artem_vr.sources.courtyard.chunks import VERTEX_FORMAT, vertices, visible
from artem_vr.sources.courtyard.world import Mover

Matrix = NDArray[np.float32]
_SWAY_MARGIN = 0.2


class MovingParts:
    """One vertex array a mover; every mover is culled by the box around it in its place of the moment."""

    def __init__(self, ctx: moderngl.Context, program: moderngl.Program, movers: tuple[Mover, ...]) -> None:
        self._program: Any = program
        self._owned: list[moderngl.Buffer | moderngl.VertexArray] = []
        self._places = [mover.place for mover in movers]
        self._middles = [(m.mesh.position_N3.min(0) + m.mesh.position_N3.max(0)) / 2 for m in movers]
        self._reaches = [
            float(np.linalg.norm(mover.mesh.position_N3 - middle, axis=1).max()) + _SWAY_MARGIN
            for mover, middle in zip(movers, self._middles, strict=True)
        ]
        self._arrays: list[moderngl.VertexArray] = []
        for mover in movers:
            mesh = mover.mesh
            buffers = [
                ctx.buffer(data)
                for data in (
                    vertices(mesh, 0.9, 1.0).tobytes(), np.stack([mesh.sway_N, mesh.flow_N], 1).astype("<f4").tobytes(),
                    mesh.index_M3.astype("<i4").tobytes(),
                )
            ]  # fmt: skip
            self._owned += buffers
            content = [(buffers[0], VERTEX_FORMAT, *ATTRIBUTES), (buffers[1], "2f", "in_motion")]
            self._arrays.append(ctx.vertex_array(program, content, buffers[2]))
            self._owned.append(self._arrays[-1])

    def in_view(self, time: float, clips: list[Matrix]) -> list[tuple[int, bytes]]:
        """The number and the model matrix (column-major bytes) of every mover that a view sees at a time."""
        models = [place(time) for place in self._places]
        centers = np.array([m[:3, :3] @ c + m[:3, 3] for m, c in zip(models, self._middles, strict=True)], np.float32)
        reach = np.array(self._reaches, np.float32)[:, None]
        seen = np.logical_or.reduce([visible(centers - reach, centers + reach, clip) for clip in clips])
        return [(i, np.ascontiguousarray(models[i].T, "<f4").tobytes()) for i in np.flatnonzero(seen).tolist()]

    def draw(self, chosen: list[tuple[int, bytes]]) -> None:
        """Draws what `in_view` gave."""
        for number, model in chosen:
            self._program["model"].write(model)
            self._arrays[number].render()

    def release(self) -> None:
        """Frees the GL objects."""
        while self._owned:
            self._owned.pop().release()
