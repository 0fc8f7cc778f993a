"""How far away everything was that a picture for the network shows, for as long as that picture is about."""

import weakref
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import WHOLE, GlFrame, Size, TensorFrame, Views, Window, Windows
from artem_vr.gl.canvas import Canvas
from artem_vr.gl.fullscreen import FullscreenPass
from artem_vr.reprojection import DEPTH_TOLERANCE, MOST_SLACK, STEEPEST, unprojection

Pair = tuple[float, float]

SLACK: dict[str, int | float] = {
    "DEPTH_TOLERANCE": DEPTH_TOLERANCE,
    "STEEPEST": STEEPEST,
    "MOST_SLACK": MOST_SLACK,
}

_MOST = 8
"""Pictures at once: on their way, in the mailbox, under the brush, shown, and remembered. More are not kept."""


class PaintDepth:
    """Distances of frames at network size, in textures laid out as the paint is (`PaintTextures`).

    They are metres along the view's axis (`reprojection.distances`) of the pixels under the texels' centres. What `of`
    gives holds in each texel the distances of four, so that whoever looks at 2x2 texels fetches once: its own, that
    of the one to the right and the two above; and in the last eight bits of the first, how far from there the same
    surface may be (see `shaders/depth_blocks.frag`). `reprojection.block_slack` is the same in NumPy.

    A frame's textures are overwritten soon, so `keep` draws at once; which picture for the network comes of the frame
    is known later, and `belongs` joins the two by their number. A texture is used again once its picture is gone.
    All calls are made on the thread of the context.
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._shrink = FullscreenPass(ctx, "paint_depth.frag", ["depth"])
        self._join = FullscreenPass(ctx, "depth_blocks.frag", ["metres"], SLACK)
        self._kept: list[_Kept] = []
        self._newest: tuple[GlFrame, Size, Views] | None = None

    def keep(self, frame: GlFrame, net_size: Size, views: Views, windows: Windows = ()) -> None:
        """Draws the depth of these pictures at this size, when `frame` is handed to a bridge. Nothing without depth.

        The same frame again is not drawn again: its textures may be those of a newer one by now.
        """
        newest = frame, net_size, views
        if frame.depth is None or (self._newest is not None and _same(self._newest, newest)):
            return
        self._newest = newest
        self._forget_left_out()
        kept = self._unused((net_size[0], net_size[1] * len(views)))
        if kept is None:
            return
        kept.waits_for, kept.views, kept.tensor, kept.has_blocks = frame.sequence, views, None, False
        for place, eye in enumerate(views):
            first_row = place * net_size[1]
            corner, scale = pixels_under(windows[place] if windows else WHOLE, frame.depth[eye].size, net_size)
            self._shrink.draw(
                kept.metres.framebuffer,
                (0, first_row, *net_size),
                [frame.depth[eye]],
                [False],
                unproject=unprojection(frame.eyes[eye].projection_44),
                corner=corner,
                scale=scale,
                first_row=float(first_row),
            )

    def _forget_left_out(self) -> None:
        """Frees what waits for pictures that a bridge has left out: a copy takes a call, so one may be under way."""
        waiting = [kept for kept in self._kept if kept.waits_for is not None]
        for kept in waiting[:-1]:
            kept.waits_for = None

    def belongs(self, tensor: TensorFrame | None) -> None:
        """Says that a bridge has given `tensor`: what was kept of its frame is kept as long as it lives."""
        if tensor is None or self._of(tensor) is not None:
            return
        for kept in self._kept:
            if kept.waits_for is None:
                continue
            if kept.waits_for == tensor.sequence and kept.views == tensor.views and kept.shows(tensor):
                kept.waits_for, kept.tensor = None, weakref.ref(tensor)
            elif kept.waits_for <= tensor.sequence:
                kept.waits_for = None  # its picture will not come any more

    def know(self, tensor: TensorFrame, metres_EHW: NDArray[np.float32]) -> None:
        """Keeps distances (E, H, W) of the tensor's pictures, top row first, as long as it lives.

        What is not known is behind the eye: see `stereo_matching.UNKNOWN`. What is known of the tensor already stays.
        """
        count, height, width = metres_EHW.shape
        if self._of(tensor) is not None:
            return
        kept = self._unused((width, count * height))
        if kept is None:
            return
        kept.metres.texture.write(np.ascontiguousarray(metres_EHW[:, ::-1]))
        kept.waits_for, kept.views, kept.tensor, kept.has_blocks = None, tensor.views, weakref.ref(tensor), False

    def knows(self, tensor: TensorFrame) -> bool:
        """Whether the tensor's depth is kept already."""
        return self._of(tensor) is not None

    def of(self, tensor: TensorFrame) -> moderngl.Texture | None:
        """The depth of the frame that `tensor` was made of; None where it is not known."""
        kept = self._of(tensor)
        if kept is None:
            return None
        if kept.blocks is None:
            kept.blocks = Canvas(self._ctx, kept.size, 4, "f4")
        if not kept.has_blocks:
            width, height = kept.size[0], kept.size[1] // len(kept.views)
            for first_row in range(0, kept.size[1], height):
                self._join.draw(
                    kept.blocks.framebuffer,
                    (0, first_row, width, height),
                    [kept.metres.texture],
                    [False],
                    size=(width, height),
                    first_row=float(first_row),
                )
            kept.has_blocks = True
        return kept.blocks.texture

    def _of(self, tensor: TensorFrame) -> "_Kept | None":
        for kept in self._kept:
            if kept.tensor is not None and kept.tensor() is tensor:
                return kept
        return None

    def _unused(self, size: Size) -> "_Kept | None":
        """A texture that nothing needs, of this size; None when too many are needed."""
        unused = [kept for kept in self._kept if not kept.is_needed]
        for kept in unused:
            if kept.size == size:
                self._kept.remove(kept)
                self._kept.append(kept)  # the newest last
                return kept
        for kept in unused:
            kept.release()
            self._kept.remove(kept)
        if len(self._kept) == _MOST:
            return None
        self._kept.append(_Kept(Canvas(self._ctx, size, 1, "f4")))
        return self._kept[-1]

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        while self._kept:
            self._kept.pop().release()
        self._newest = None
        self._shrink.release()
        self._join.release()


@dataclass(slots=True)
class _Kept:
    """Distances, and the number of the frame whose picture they wait for, or that picture."""

    metres: Canvas
    blocks: Canvas | None = None
    has_blocks: bool = False
    waits_for: int | None = None
    views: Views = ()
    tensor: weakref.ref[TensorFrame] | None = None

    @property
    def size(self) -> Size:
        """Width and height of the textures."""
        return self.metres.size

    @property
    def is_needed(self) -> bool:
        return self.waits_for is not None or (self.tensor is not None and self.tensor() is not None)

    def shows(self, tensor: TensorFrame) -> bool:
        """Whether the textures have the size of the tensor's pictures."""
        count, height, width, _ = tensor.pixels_EHWC.shape
        return self.size == (width, count * height)

    def release(self) -> None:
        for canvas in (self.metres, self.blocks):
            if canvas is not None:
                canvas.release()


def pixels_under(window: Window, size: Size, net_size: Size) -> tuple[Pair, Pair]:
    """Of a full picture of `size`: the pixel under the lower left corner of a smaller one, and pixels for each texel.

    The smaller one has `net_size` texels and shows `window`.
    """
    corner = window[0] * size[0], window[1] * size[1]
    return corner, (window[2] * size[0] / net_size[0], window[3] * size[1] / net_size[1])


def _same(one: tuple[GlFrame, Size, Views], other: tuple[GlFrame, Size, Views]) -> bool:
    return one[0] is other[0] and one[1:] == other[1:]
