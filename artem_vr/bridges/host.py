"""The bridge through host memory: works with every OpenGL and every engine that takes NumPy arrays."""

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import UsageError
from artem_vr.frame import EYES, GlFrame, PaintedFrame, Size, TensorFrame
from artem_vr.gl.area import AreaFilter
from artem_vr.gl.context import is_software
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.ports import PaintTextures

Readback = tuple[GlFrame, moderngl.Buffer]


class HostBridge:
    """Copies network-sized pixels between OpenGL and host memory.

    `net_size` is (width, height) of one eye. With `asynchronous` (by default on graphics hardware) a frame's pixels
    are fetched one call later, through two pixel buffers in turn, so that nothing waits for the GPU.
    """

    name = "host"

    def __init__(self, ctx: moderngl.Context, net_size: Size, asynchronous: bool | None = None) -> None:
        width, height = net_size
        if width < 1 or height < 1:
            raise UsageError(f"a network size of {width}x{height} holds no picture: choose a larger one")
        self._size = net_size
        self._area = AreaFilter(ctx)
        # Both eyes stand in one target, the left one first in memory. RGBA is what every GL reads back as it is.
        self._target = ctx.framebuffer([ctx.texture((width, EYES * height), 4)])
        self._rgba_HWC = np.empty((EYES * height, width, 4), np.uint8)
        self._paint = ctx.texture((width, EYES * height), 4)
        self._paint_HWC = np.empty((EYES * height, width, 4), np.uint8)
        self._upright_HWC = np.empty((height, width, 4), np.uint8)
        self._asynchronous = not is_software(ctx) if asynchronous is None else asynchronous
        self._free = [ctx.buffer(reserve=self._rgba_HWC.nbytes) for _ in range(2 if self._asynchronous else 0)]
        self._under_way: Readback | None = None
        self._last_read: tuple[GlFrame, TensorFrame] | None = None
        self._last_paint: PaintTextures | None = None
        self._closed = False

    def to_tensor(self, frame: GlFrame) -> TensorFrame | None:
        """Both eyes area-filtered to network size: uint8 (2, H, W, 3), top row first, in memory of its own.

        Around a picture that does not fill its texture stands its mirror image: plain bars would change what the
        network makes of the picture, since it normalises by the statistics of all it sees.

        When asynchronous this is the picture of the call before, and None the first time. The same frame again is
        not drawn again.
        """
        if not self._asynchronous:
            if self._last_read is None or self._last_read[0] is not frame:
                self._shrink(frame)
                self._target.read_into(self._rgba_HWC, components=4)
                self._last_read = frame, self._tensor(frame)
            return self._last_read[1]
        ready, self._under_way = self._under_way, None
        newest = ready or self._last_read
        if newest is None or newest[0] is not frame:
            self._under_way = self._start(frame)
        if ready is not None:
            self._last_read = ready[0], self._finish(ready)
        return self._last_read[1] if self._last_read is not None else None

    def to_texture(self, painted: PaintedFrame) -> PaintTextures:
        """The paint as one RGBA8 texture (see `PaintTextures`). Valid until the next call; the same again is free."""
        if self._last_paint is None or self._last_paint.frame is not painted:
            self._assemble(painted)
            self._paint.write(self._paint_HWC)
            self._last_paint = PaintTextures(self._paint, painted)
        return self._last_paint

    def _assemble(self, painted: PaintedFrame) -> None:
        width, height = self._size
        shape = painted.painted_EHWC.shape
        if shape != (EYES, height, width, 3):
            raise UsageError(f"paint of {shape[2]}x{shape[1]} came to a bridge of {width}x{height}: open another")
        for eye in range(EYES):
            guide_HW = cv2.cvtColor(painted.source.pixels_EHWC[eye], cv2.COLOR_RGB2GRAY)
            paint_HWC = np.ascontiguousarray(painted.painted_EHWC[eye])
            cv2.mixChannels([paint_HWC, guide_HW], [self._upright_HWC], [0, 0, 1, 1, 2, 2, 3, 3])
            cv2.flip(self._upright_HWC, 0, dst=self._paint_HWC[eye * height : (eye + 1) * height])

    def _shrink(self, frame: GlFrame) -> None:
        width, height = self._size
        for eye, texture in enumerate(frame.color):
            # Drawn upside down: what GL reads first is then the picture's top row.
            self._area.draw(texture, self._target, (0, eye * height, width, height), flip=True, content=frame.content)

    def _start(self, frame: GlFrame) -> Readback:
        self._shrink(frame)
        buffer = self._free.pop()
        self._target.read_into(buffer, components=4)
        return frame, buffer

    def _finish(self, readback: Readback) -> TensorFrame:
        frame, buffer = readback
        buffer.read_into(self._rgba_HWC)
        self._free.append(buffer)
        return self._tensor(frame)

    def _tensor(self, frame: GlFrame) -> TensorFrame:
        width, height = self._size
        # New memory each time: the engine's thread may hold on to the last ones.
        pixels_EHWC: NDArray[np.uint8] = np.empty((EYES, height, width, 3), np.uint8)
        cv2.cvtColor(self._rgba_HWC, cv2.COLOR_RGBA2RGB, dst=pixels_EHWC.reshape(EYES * height, width, 3))
        return TensorFrame(frame.sequence, frame.captured_at, pixels_EHWC, frame.eyes)

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._under_way is not None:
            self._free.append(self._under_way[1])
        for buffer in self._free:
            buffer.release()
        self._paint.release()
        self._target.color_attachments[0].release()
        release_framebuffer(self._target)
        self._area.release()
