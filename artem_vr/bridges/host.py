"""The bridge through host memory: works with every OpenGL and every engine that takes NumPy arrays."""

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import UsageError
from artem_vr.frame import BOTH, EYES, WHOLE, GlFrame, PaintedFrame, Size, TensorFrame, Views, Windows
from artem_vr.gl.area import AreaFilter
from artem_vr.gl.context import is_software
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.ports import PaintTextures

Readback = tuple[GlFrame, Windows, moderngl.Buffer]


class HostBridge:
    """Copies network-sized pixels between OpenGL and host memory.

    `net_size` is (width, height) of one eye. With `asynchronous` (by default on graphics hardware) a frame's pixels
    are fetched one call later, through two pixel buffers in turn, so that nothing waits for the GPU.
    """

    name = "host"

    def __init__(self, ctx: moderngl.Context, net_size: Size, asynchronous: bool | None = None) -> None:
        self._ctx = ctx
        self.host_bytes = 0
        self._area = AreaFilter(ctx)
        self._asynchronous = not is_software(ctx) if asynchronous is None else asynchronous
        self._paint: moderngl.Texture | None = None
        self._upright_HWC = np.empty((0, 0, 4), np.uint8)
        self._last_paint: PaintTextures | None = None
        self._closed = False
        self._views, self._windows = BOTH, Windows()
        self._allocate(net_size)

    @property
    def net_size(self) -> Size:
        """The (width, height) of one eye as the engine gets it."""
        return self._size

    @property
    def views(self) -> Views:
        """The eyes that the engine gets."""
        return self._views

    def resize(self, net_size: Size) -> None:
        """Gives eyes of another size from the next frame on; a copy under way is dropped. Raises `UsageError`."""
        if net_size != self._size:
            checked(net_size)
            self._free_readback()
            self._allocate(net_size)

    def choose(self, views: Views, windows: Windows = ()) -> None:
        """Gives these eyes only, from the next frame on; of other ones a copy under way is dropped.

        Raises `UsageError`.
        """
        checked_views(views, windows)
        self._windows = windows
        if views != self._views:
            self._free_readback()
            self._views = views
            self._allocate(self._size)

    def _allocate(self, net_size: Size) -> None:
        width, height = self._size = checked(net_size)
        rows = len(self._views) * height
        # All eyes stand in one target, the left one first in memory. RGBA is what every GL reads back as it is.
        self._target = self._ctx.framebuffer([self._ctx.texture((width, rows), 4)])
        self._rgba_HWC = np.empty((rows, width, 4), np.uint8)
        self._free = [self._ctx.buffer(reserve=self._rgba_HWC.nbytes) for _ in range(2 if self._asynchronous else 0)]
        self._under_way: Readback | None = None
        self._last_read: tuple[GlFrame, TensorFrame] | None = None

    def _free_readback(self) -> None:
        if self._under_way is not None:
            self._free.append(self._under_way[2])
            self._under_way = None
        for buffer in self._free:
            buffer.release()
        self._free = []
        self._target.color_attachments[0].release()
        release_framebuffer(self._target)

    def to_tensor(self, frame: GlFrame) -> TensorFrame | None:
        """The chosen eyes area-filtered to network size: uint8 (E, H, W, 3), top row first, in memory of its own.

        Around a picture that does not fill its texture stands its mirror image: plain bars would change what the
        network makes of the picture, since it normalises by the statistics of all it sees.

        When asynchronous this is the picture of the call before, and None the first time. The same frame again is
        not drawn again.
        """
        if not self._asynchronous:
            if self._last_read is None or self._last_read[0] is not frame:
                self._shrink(frame)
                self._target.read_into(self._rgba_HWC, components=4)
                self.host_bytes += self._rgba_HWC.nbytes
                self._last_read = frame, self._tensor(frame, self._windows)
            return self._last_read[1]
        ready, self._under_way = self._under_way, None
        newest = ready or self._last_read
        if newest is None or newest[0] is not frame:
            self._under_way = self._start(frame)
        if ready is not None:
            self._last_read = ready[0], self._finish(ready)
        return self._last_read[1] if self._last_read is not None else None

    def to_texture(self, painted: PaintedFrame) -> PaintTextures:
        """The paint as one RGBA8 texture (see `PaintTextures`). Valid until the next call; the same again is free.

        Raises `UsageError` for anything but one picture for each of the source's views.
        """
        if self._last_paint is None or self._last_paint.frame is not painted:
            texture = self._paint_texture(checked_shape(painted))
            texture.write(self._assembled(painted))
            self.host_bytes += self._paint_HWC.nbytes
            self._last_paint = PaintTextures(texture, painted)
        return self._last_paint

    def _paint_texture(self, shape: tuple[int, ...]) -> moderngl.Texture:
        size = shape[2], shape[0] * shape[1]
        if self._paint is None or self._paint.size != size:
            if self._paint is not None:
                self._paint.release()
            self._paint = self._ctx.texture(size, 4)
            self._paint_HWC = np.empty((size[1], size[0], 4), np.uint8)
        if self._upright_HWC.shape[:2] != shape[1:3]:
            self._upright_HWC = np.empty((shape[1], shape[2], 4), np.uint8)
        return self._paint

    def _assembled(self, painted: PaintedFrame) -> NDArray[np.uint8]:
        height = painted.painted_EHWC.shape[1]
        for place in range(len(painted.painted_EHWC)):
            guide_HW = cv2.cvtColor(painted.source.pixels_EHWC[place], cv2.COLOR_RGB2GRAY)
            paint_HWC = np.ascontiguousarray(painted.painted_EHWC[place])
            cv2.mixChannels([paint_HWC, guide_HW], [self._upright_HWC], [0, 0, 1, 1, 2, 2, 3, 3])
            cv2.flip(self._upright_HWC, 0, dst=self._paint_HWC[place * height : (place + 1) * height])
        return self._paint_HWC

    def _shrink(self, frame: GlFrame) -> None:
        width, height = self._size
        for place, eye in enumerate(self._views):
            # Drawn upside down: what GL reads first is then the picture's top row.
            viewport = 0, place * height, width, height
            window = self._windows[place] if self._windows else WHOLE
            self._area.draw(frame.color[eye], self._target, viewport, flip=True, content=frame.content, window=window)

    def _start(self, frame: GlFrame) -> Readback:
        self._shrink(frame)
        buffer = self._free.pop()
        self._target.read_into(buffer, components=4)
        return frame, self._windows, buffer

    def _finish(self, readback: Readback) -> TensorFrame:
        frame, windows, buffer = readback
        buffer.read_into(self._rgba_HWC)
        self.host_bytes += self._rgba_HWC.nbytes
        self._free.append(buffer)
        return self._tensor(frame, windows)

    def _tensor(self, frame: GlFrame, windows: Windows) -> TensorFrame:
        width, height = self._size
        # New memory each time: the engine's thread may hold on to the last ones.
        pixels_EHWC: NDArray[np.uint8] = np.empty((len(self._views), height, width, 3), np.uint8)
        cv2.cvtColor(self._rgba_HWC, cv2.COLOR_RGBA2RGB, dst=pixels_EHWC.reshape(-1, width, 3))
        return TensorFrame(
            frame.sequence, frame.captured_at, pixels_EHWC, frame.eyes, self._views, frame.has_poses, windows
        )

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._free_readback()
        if self._paint is not None:
            self._paint.release()
        self._area.release()


def checked(net_size: Size) -> Size:
    """The size itself. Raises `UsageError` when it holds no pixel."""
    if min(net_size) < 1:
        raise UsageError(f"a network size of {net_size[0]}x{net_size[1]} holds no picture: choose a larger one")
    return net_size


def checked_views(views: Views, windows: Windows = ()) -> Views:
    """The views themselves.

    Raises `UsageError` for anything but one eye or both, in rising order, which may come again where there are windows,
    one for each picture.
    """
    eyes = tuple(sorted(set(views)))
    scales = len(views) // max(1, len(eyes))
    if eyes not in (BOTH, *((eye,) for eye in range(EYES))) or views != eyes * scales or scales > max(1, len(windows)):
        raise UsageError(f"a bridge has no eyes {views}: choose (0,), (1,) or (0, 1)")
    if windows and len(windows) != len(views):
        raise UsageError(f"a bridge has {len(views)} pictures to fill, and {len(windows)} windows: give one for each")
    return views


def checked_shape(painted: PaintedFrame) -> tuple[int, ...]:
    """The shape of the paint. Raises `UsageError` unless there is one picture (H, W, 3) for each of its views."""
    shape, count = tuple(painted.painted_EHWC.shape), len(painted.source.views)
    if len(shape) != 4 or shape[0] != count or shape[3] != 3:
        raise UsageError(f"paint of shape {shape} came to a bridge for {count} eyes, ({count}, H, W, 3)")
    return shape
