"""The bridge without a copy in host memory: OpenGL and the engine look at the same bytes on the GPU.

Both ways go through pixel buffers that are registered once (see `artem_vr.bridges.interop`). Nothing here waits on the
processor. What an engine paints must be finished when it comes here, as it is when `Engine.paint` has returned.
"""

from contextlib import suppress
from typing import Any

import moderngl
import numpy as np
import torch
from torch import Tensor

from artem_vr.bridges.host import checked, checked_shape, checked_views
from artem_vr.bridges.interop import Interop, SharedBuffer
from artem_vr.errors import GraphicsError, UsageError
from artem_vr.frame import BOTH, WHOLE, GlFrame, PaintedFrame, Size, TensorFrame, Views, Windows
from artem_vr.gl.area import AreaFilter
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.ports import PaintTextures

_RGBA = 4
_READY = 4
"""Buffers to begin with: the newest frame, one in the mailbox, one being painted, and the source of what is shown."""
_MOST = 8
"""Where even so many frames are looked at, the newest waits until one of them is not."""

_LUMA = 9798, 19235, 3735
"""Rec. 601 in 32768ths, as OpenCV counts: the host bridge's guide is the same to the bit."""
_LUMA_BITS = 15


class CudaGlBridge:
    """Shares network-sized pixels between OpenGL and the device of an interop.

    `net_size` is (width, height) of one eye. A frame is in the engine's hands in the same call in which it is drawn.
    Its pixels stay mapped, and so out of OpenGL's reach, for as long as anything looks at them; then their buffer takes
    the next frame. So nobody may read pixels of a closed bridge: the stylizer is closed before.
    """

    name = "cuda-gl"

    def __init__(self, ctx: moderngl.Context, net_size: Size, interop: Interop) -> None:
        self._ctx, self._interop = ctx, interop
        self.host_bytes = 0
        self._size, self._views, self._windows = checked(net_size), BOTH, Windows()
        self._area = AreaFilter(ctx)
        self._target: moderngl.Framebuffer | None = None
        self._ring: list[SharedBuffer] = []
        self._retired: list[SharedBuffer] = []
        self._last_read: tuple[GlFrame, TensorFrame] | None = None
        self._paint: moderngl.Texture | None = None
        self._paint_bytes: SharedBuffer | None = None
        self._last_paint: PaintTextures | None = None
        try:
            self._allocate()
        except BaseException:
            self.close()
            raise

    @property
    def net_size(self) -> Size:
        """The (width, height) of one eye as the engine gets it."""
        return self._size

    def resize(self, net_size: Size) -> None:
        """Gives eyes of another size from the next frame on. Raises `UsageError`.

        What is looked at in the old size stays where it is until nobody does.
        """
        if net_size != self._size:
            self._size = checked(net_size)
            self._start_anew()

    @property
    def views(self) -> Views:
        """The eyes that the engine gets."""
        return self._views

    def choose(self, views: Views, windows: Windows = ()) -> None:
        """Gives these eyes only, from the next frame on, as `resize` changes their size. Raises `UsageError`."""
        checked_views(views, windows)
        self._windows = windows
        if views != self._views:
            self._views = views
            self._start_anew()

    def _start_anew(self) -> None:
        self._last_read = None
        self._retired += self._ring
        self._ring = []
        self._free_target()
        self._allocate()

    def _allocate(self) -> None:
        # All eyes stand in one target, the left one first in memory. RGBA is what every GL reads back as it is.
        width, height = self._size
        self._target = self._ctx.framebuffer([self._ctx.texture((width, len(self._views) * height), _RGBA)])
        for _ in range(_READY):
            self._ring.append(self._new_buffer())

    def _new_buffer(self) -> SharedBuffer:
        width, height = self._size
        return self._interop.share(self._ctx, len(self._views) * height * width * _RGBA)

    def _free_target(self) -> None:
        if self._target is not None:
            self._target.color_attachments[0].release()
            release_framebuffer(self._target)
            self._target = None

    def to_tensor(self, frame: GlFrame) -> TensorFrame | None:
        """The chosen eyes area-filtered to network size: uint8 (E, H, W, 3), top row first, each fourth byte left out.

        The same frame again is not drawn again. When too many frames are looked at, the newest that there is.
        """
        if self._last_read is None or self._last_read[0] is not frame:
            self._free_retired()
            shared = self._unseen_buffer()
            if shared is not None:
                self._last_read = frame, self._read(frame, shared)
        return self._last_read[1] if self._last_read is not None else None

    def _unseen_buffer(self) -> SharedBuffer | None:
        """A buffer that nobody looks at: of those that there are the one used longest ago."""
        for place, shared in enumerate(self._ring):
            if not shared.is_held:
                self._ring.append(self._ring.pop(place))
                return shared
        if len(self._ring) == _MOST:
            return None
        self._ring.append(self._new_buffer())
        return self._ring[-1]

    def _read(self, frame: GlFrame, shared: SharedBuffer) -> TensorFrame:
        width, height = self._size
        self._shrink(frame)
        shared.unmap()
        self._drawn.read_into(shared.buffer, components=_RGBA)
        with self._interop.work():
            pixels_EHWC = shared.map().view(len(self._views), height, width, _RGBA)[..., :3]
            self._interop.announce()
        return TensorFrame(
            frame.sequence, frame.captured_at, pixels_EHWC, frame.eyes, self._views, frame.has_poses, self._windows
        )

    @property
    def _drawn(self) -> moderngl.Framebuffer:
        if self._target is None:
            raise UsageError("the bridge is closed")
        return self._target

    def _shrink(self, frame: GlFrame) -> None:
        width, height = self._size
        for place, eye in enumerate(self._views):
            # Drawn upside down: what GL reads first is then the picture's top row.
            viewport = 0, place * height, width, height
            window = self._windows[place] if self._windows else WHOLE
            self._area.draw(frame.color[eye], self._drawn, viewport, flip=True, content=frame.content, window=window)

    def to_texture(self, painted: PaintedFrame) -> PaintTextures:
        """The paint as one RGBA8 texture (see `PaintTextures`). Valid until the next call; the same again is free.

        Takes NumPy arrays as well: what was painted before this bridge was there. Raises `UsageError` for anything but
        one picture for each of the source's views.
        """
        if self._last_paint is None or self._last_paint.frame is not painted:
            texture, shared = self._paint_of_shape(checked_shape(painted))
            with self._interop.work():
                painted_EHWC = self._on_device(painted.painted_EHWC)
                source_EHWC = self._on_device(painted.source.pixels_EHWC)
                out_EHWC = shared.map().view(*painted_EHWC.shape[:3], _RGBA)
                assemble(painted_EHWC, source_EHWC, out_EHWC)
                shared.unmap()
            texture.write(shared.buffer)
            self._last_paint = PaintTextures(texture, painted)
        return self._last_paint

    def _on_device(self, pixels_EHWC: Any) -> Tensor:
        if isinstance(pixels_EHWC, Tensor):
            self._interop.keep_for(pixels_EHWC)
            return pixels_EHWC
        self.host_bytes += pixels_EHWC.nbytes
        return torch.from_numpy(np.require(pixels_EHWC, requirements=["C", "W"])).to(self._interop.device)

    def _paint_of_shape(self, shape: tuple[int, ...]) -> tuple[moderngl.Texture, SharedBuffer]:
        size = shape[2], shape[0] * shape[1]
        if self._paint is None or self._paint_bytes is None or self._paint.size != size:
            self._free_paint()
            self._paint = self._ctx.texture(size, _RGBA)
            self._paint_bytes = self._interop.share(self._ctx, size[0] * size[1] * _RGBA)
        return self._paint, self._paint_bytes

    def _free_paint(self) -> None:
        self._last_paint = None
        if self._paint_bytes is not None:
            self._paint_bytes.release()
        if self._paint is not None:
            self._paint.release()
        self._paint = self._paint_bytes = None

    def _free_retired(self) -> None:
        still_seen = [shared for shared in self._retired if shared.is_held]
        for shared in self._retired:
            if shared not in still_seen:
                shared.release()
        self._retired = still_seen

    def close(self) -> None:
        """Frees the GL objects, with the pixels of every frame that came from here. May be called twice."""
        shared = [*self._ring, *self._retired, *([self._paint_bytes] if self._paint_bytes is not None else [])]
        self._ring, self._retired, self._paint_bytes = [], [], None
        self._last_read = self._last_paint = None
        # A device that has failed refuses all of this, and has said why before.
        with suppress(GraphicsError, RuntimeError):
            self._interop.finish()
        for each in shared:
            with suppress(GraphicsError):
                each.release()
        self._free_target()
        self._free_paint()
        self._area.release()


def assemble(painted_EHWC: Tensor, source_EHWC: Tensor, out_EHWC: Tensor) -> None:
    """Lays paint and the luma of its source out as `PaintTextures` wants them: uint8 RGBA, each eye upside down."""
    red, green, blue = (source_EHWC[..., channel].to(torch.int32) for channel in range(3))
    luma = (red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2] + (1 << (_LUMA_BITS - 1))) >> _LUMA_BITS
    out_EHWC[..., :3].copy_(painted_EHWC.flip(1))
    out_EHWC[..., 3].copy_(luma.flip(1))
