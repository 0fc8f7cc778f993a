"""Paint of one moment over the world of another one, as the program draws it and as its plain twin does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import moderngl
import numpy as np
from carried_world import Colour, Image, look, paint, painted_view, part, plain

from artem_vr.camera import Pose
from artem_vr.carried_reference import PaintedView, carried
from artem_vr.compositor import Compositor
from artem_vr.compositor_reference import composite
from artem_vr.foveation import Points, window_at
from artem_vr.frame import BOTH, WHOLE, EyeView, GlFrame, PaintedFrame, TensorFrame, Views, Window, Windows
from artem_vr.paint_depth import PaintDepth
from artem_vr.ports import PaintTextures

SIZE, NET_SIZE = (160, 176), (80, 88)
THEN = Pose((0.0, 1.6, 0.0))
NOW = Pose((0.12, 1.55, 0.1), yaw=0.05, pitch=-0.02)
Eyes = tuple[EyeView, EyeView]


class Moment:
    """Paint of one moment over the world of another one."""

    def __init__(
        self,
        ctx: moderngl.Context,
        then: Eyes,
        now: Eyes,
        views: Views = BOTH,
        by_depth: bool = True,
        colour: Colour = paint,
        has_box: bool = True,
        windows: Windows = (),
    ) -> None:
        self._ctx, self._opened = ctx, []  # type: tuple[moderngl.Context, list[Any]]
        self.now, self.views, self.by_depth, self.windows = now, views, by_depth, windows
        self.seen = [look(view, SIZE, has_box) for view in now]
        self.pictures = [seen.picture(plain) for seen in self.seen]
        self.ideal = [seen.picture(colour) for seen in self.seen]
        whole = windows or (WHOLE,) * len(views)
        self.painted = [
            painted_view(then[eye], SIZE, NET_SIZE, colour, has_box, window)
            for eye, window in zip(views, whole, strict=True)
        ]
        self.depth = PaintDepth(ctx)
        self._opened.append(self.depth)
        self.frame = self._frame(1, now)
        self.paint = self._paint(self._frame(0, then, has_box))
        if not by_depth:
            self.frame, self.paint = replace(self.frame, depth=None, posed=True), replace(self.paint, depth=None)

    def _frame(self, sequence: int, eyes: Eyes, has_box: bool = True) -> GlFrame:
        seen = [look(view, SIZE, has_box) for view in eyes] if sequence == 0 else self.seen
        colours = [self._own(self._ctx.texture(SIZE, 3, each.picture(plain)[::-1].tobytes())) for each in seen]
        depths = [
            self._own(self._ctx.depth_texture(SIZE, each.depth(view)[::-1].tobytes()))
            for each, view in zip(seen, eyes, strict=True)
        ]
        for depth in depths:
            depth.compare_func = ""
        return GlFrame(sequence, sequence / 60, (colours[0], colours[1]), eyes, (depths[0], depths[1]))

    def _paint(self, source: GlFrame) -> PaintTextures:
        count = len(self.painted)
        texture = self._own(self._ctx.texture((NET_SIZE[0], count * NET_SIZE[1]), 4, self._texels()))
        pixels = np.zeros((count, NET_SIZE[1], NET_SIZE[0], 3), np.uint8)
        tensor = TensorFrame(0, 0.0, pixels, source.eyes, self.views, True, self.windows)
        self.depth.keep(source, NET_SIZE, self.views, self.windows)
        self.depth.belongs(tensor)
        return PaintTextures(texture, PaintedFrame(tensor, pixels, 0), self.depth.of(tensor))

    def _own(self, thing: Any) -> Any:
        self._opened.append(thing)
        return thing

    def drawn(self, eye: int, upsampling: Any = "joint-fast", gaze: Points | None = None, **options: Any) -> Image:
        return self.drawn_in_turn(eye, [gaze], upsampling, **options)[0]

    def drawn_in_turn(
        self, eye: int, gazes: Sequence[Points | None], upsampling: Any = "joint-fast", **options: Any
    ) -> list[Image]:
        """For each gaze what one compositor draws of an eye."""
        framebuffer, compositor = self._ctx.simple_framebuffer(SIZE), Compositor(self._ctx, upsampling)
        drawn = []
        for gaze in gazes:
            framebuffer.clear()
            compositor.draw(self.frame, self.paint, 1.0, eye, framebuffer, (0, 0, *SIZE), gaze=gaze, **options)
            pixels = np.frombuffer(framebuffer.read(components=3, alignment=1), np.uint8).reshape(*SIZE[::-1], 3)
            drawn.append(pixels[::-1])
        compositor.close()
        framebuffer.release()
        return drawn

    def repaint(self, colours: Sequence[tuple[int, int, int]]) -> None:
        """Each of the painted pictures is of one colour from now on."""
        self.painted = [
            replace(each, paint_hwC=np.full_like(each.paint_hwC, colour))
            for each, colour in zip(self.painted, colours, strict=True)
        ]
        self.paint.texture.write(self._texels())

    def _texels(self) -> bytes:
        return np.stack([np.dstack([each.paint_hwC, each.guide_hw])[::-1] for each in self.painted]).tobytes()

    def made(self, eye: int, upsampling: Any = "joint-fast") -> Image:
        """What is expected of paint that is laid where it was made."""
        source = self.paint.frame.source
        shown: Image | None = None
        for scale in range(source.scales):
            own = scale * source.eye_count + self.views.index(eye)
            each = self.painted[own]
            shown = composite(
                self.pictures[eye], each.paint_hwC, each.guide_hw, 1.0, upsampling,
                window=source.window(own), below_HWC=shown,
            )  # fmt: skip
        assert shown is not None
        return shown

    def expected(self, eye: int, upsampling: Any = "joint-fast", gaze: Points | None = None) -> Image:
        source = self.paint.frame.source
        shown, coarser = self.pictures[eye], None
        for scale in range(source.scales):
            own = scale * source.eye_count + (self.views.index(eye) if eye in self.views else 0)
            window = source.window(own) if gaze is None else window_at(gaze[eye], scale)
            pictures: list[PaintedView] = [self.painted[own]]
            if source.other(own) != own:
                pictures.append(self.painted[source.other(own)])
            depth = part(self.seen[eye].depth(self.now[eye]), window) if self.by_depth else None
            picture, view = part(self.pictures[eye], window), self.now[eye].through(window)
            within = None if coarser is None else (_within(window, coarser[0]), coarser[1])
            now = carried(picture, view, depth, pictures, within)
            below = None if coarser is None else shown
            shown = composite(
                self.pictures[eye], now.paint_hwC, now.guide_hw, 1.0, upsampling, window=window, below_HWC=below
            )
            coarser = window, now
        return shown

    def close(self) -> None:
        for thing in self._opened:
            (thing.close if isinstance(thing, PaintDepth) else thing.release)()


def _within(window: Window, outer: Window) -> Window:
    (left, low, across, up), (x, y, width, height) = window, outer
    return (left - x) / width, (low - y) / height, across / width, up / height
