"""The courtyard as a source of frames."""

from typing import Any

import moderngl
import numpy as np

from artem_vr.frame import EYES, FrameRequest, GlFrame, Size
from artem_vr.gl.context import is_software
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.sources.courtyard.stage import Stage


class _Target:
    """What one eye is drawn into: a colour and a depth texture, behind a multisampled pair where asked for."""

    def __init__(self, ctx: moderngl.Context, size: Size, samples: int) -> None:
        self._ctx, self._owned = ctx, []  # type: tuple[moderngl.Context, list[Any]]
        self.color = self._own(ctx.texture(size, 4))
        self.color.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self.color.repeat_x = self.color.repeat_y = False
        self.depth = self._own(ctx.depth_texture(size))
        self.depth.compare_func = ""
        self.depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.depth.repeat_x = self.depth.repeat_y = False
        self._resolved = self._own(ctx.framebuffer([self.color], self.depth))
        self.canvas = self._resolved
        if samples:
            color = self._own(ctx.renderbuffer(size, 4, samples=samples))
            depth = self._own(ctx.depth_renderbuffer(size, samples=samples))
            self.canvas = self._own(ctx.framebuffer([color], depth))

    def _own(self, thing: Any) -> Any:
        self._owned.append(thing)
        return thing

    def resolve(self) -> None:
        """Brings the drawn samples into the textures."""
        if self.canvas is not self._resolved:
            self._ctx.copy_framebuffer(self._resolved, self.canvas)

    def release(self) -> None:
        while self._owned:
            thing = self._owned.pop()
            if isinstance(thing, moderngl.Framebuffer):
                release_framebuffer(thing)
            else:
                thing.release()


class CourtyardSource:
    """A sunlit courtyard above the sea, in stereo with true depth (a `FrameSource`).

    Draws with the context's current thread. `samples` is the number of samples a pixel; None takes 4 on hardware
    and none on software. Raises `GraphicsError` when a shader does not build.
    """

    name = "scene"

    def __init__(self, ctx: moderngl.Context, eye_size: Size, samples: int | None = None) -> None:
        self._ctx = ctx
        wanted = (0 if is_software(ctx) else 4) if samples is None else samples
        self._samples = min(wanted, ctx.max_samples)
        self._start: float | None = None
        self._size = eye_size
        self._targets: list[_Target] = []
        self._stage = Stage(ctx)
        try:
            self._resize(eye_size)
        except BaseException:
            self.close()
            raise

    def _resize(self, size: Size) -> None:
        for target in self._targets:
            target.release()
        self._targets = []
        for _ in range(EYES):
            self._targets.append(_Target(self._ctx, size, self._samples))
        self._size = size

    def read(self, request: FrameRequest) -> GlFrame:
        """Draws both eyes; what moves has moved for `request.time` minus the first request's time."""
        if request.eye_size != self._size:
            self._resize(request.eye_size)
        if self._start is None:
            self._start = request.time
        time = request.time - self._start
        clips = [(view.projection_44 @ view.view_44).astype(np.float32) for view in request.eyes]
        places = [np.linalg.inv(view.view_44.astype(np.float64))[:3, 3].astype(np.float32) for view in request.eyes]
        selection = self._stage.select(((places[0] + places[1]) / 2).astype(np.float32), clips, time)
        for target, clip, place in zip(self._targets, clips, places, strict=True):
            target.canvas.use()
            target.canvas.clear(depth=1.0)
            self._stage.draw(selection, clip, place)
            target.resolve()
        left, right = self._targets
        return GlFrame(
            request.sequence, request.time, (left.color, right.color), request.eyes, (left.depth, right.depth)
        )

    def close(self) -> None:
        """Frees everything. May be called twice."""
        while self._targets:
            self._targets.pop().release()
        self._stage.release()
