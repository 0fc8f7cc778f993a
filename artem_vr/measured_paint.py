"""Paint that is shown only once its mean brightness is known, for which nobody waits.

What has settled has its pixels on the GPU alone. A display that must not become brighter or darker too fast has to know
how bright the next frame will be *before* it shows it: so new paint is shrunk and copied, and shown a frame later, when
the copy is there. Being carried to where its surfaces are, it is not the worse for it.
"""

import moderngl
import numpy as np

from artem_vr.brightness import LUMA
from artem_vr.gl.area import AreaFilter
from artem_vr.gl.canvas import Canvas
from artem_vr.ports import PaintTextures

_SHRUNK = 8
"""How many texels along each side are averaged before they are copied."""


class MeasuredPaint:
    """Gives paint back with its mean luma, a call late where it must be measured."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._area = AreaFilter(ctx)
        self._target: Canvas | None = None
        self._copy: moderngl.Buffer | None = None
        self._pending: PaintTextures | None = None
        self._shown: PaintTextures | None = None
        self.luma: float | None = None
        """The mean luma in [0, 1] of the paint that was given last; None where there is none."""

    def newest(self, paint: PaintTextures, is_known: bool = False) -> PaintTextures | None:
        """The newest paint whose luma is known: this one from the next call on, None where there is none yet.

        Where it `is_known` anyway it is given back at once, and not measured.
        """
        if is_known:
            self._pending = self._shown = self.luma = None
            return paint
        if self._pending is not None:
            self._shown, self.luma, self._pending = self._pending, self._read(), None
        if paint is not self._shown:
            self._start(paint)
        return self._shown

    def _start(self, paint: PaintTextures) -> None:
        whole = 0.0, 0.0, 1.0, 1 / paint.scales  # the finer pictures would count the middle of an eye several times
        width, height = paint.texture.size[0], paint.texture.size[1] // paint.scales
        size = max(1, width // _SHRUNK), max(1, height // _SHRUNK)
        if self._target is None or self._target.size != size:
            self._free()
            self._target = Canvas(self._ctx, size, 4)
            self._copy = self._ctx.buffer(reserve=4 * size[0] * size[1])
        self._area.draw(paint.texture, self._target.framebuffer, (0, 0, *size), window=whole)
        self._target.framebuffer.read_into(self._copy, components=4)
        self._pending = paint

    def _read(self) -> float:
        if self._copy is None:
            return 0.0
        rgba = np.frombuffer(self._copy.read(), np.uint8).reshape(-1, 4)
        return float(rgba[:, :3].mean(0) @ np.array(LUMA) / 255)

    def _free(self) -> None:
        if self._target is not None and self._copy is not None:
            self._target.release()
            self._copy.release()
            self._target = self._copy = None

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._free()
        self._area.release()
        self._pending = self._shown = None
