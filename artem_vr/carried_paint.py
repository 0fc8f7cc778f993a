"""Lays the paint of another moment where its surfaces are seen now."""

from typing import Any

import moderngl

from artem_vr.frame import EYES, GlFrame, Size
from artem_vr.gl.area import taps
from artem_vr.gl.canvas import Canvas
from artem_vr.gl.fullscreen import FullscreenPass, Viewport
from artem_vr.ports import PaintTextures
from artem_vr.reprojection import MOST_SLACK, column_major, to_texels, unprojection

SEEN = 0.05
"""The least share of the paint around a place that must be of the expected surface, for it to be seen there."""
TAPS, FIRST_RADIUS, GROWTH = 24, 1.5, 1.15
"""Where nothing is seen, paint is looked for along a spiral: at how many texels, and how far away they are."""
LIKE_LUMA, LIKE_DISTANCE, LIKE_FLOOR = 0.04, 0.15, 1e-3
"""What counts as like there: the widths in luma and in distance (as a share), and what any distance counts at least."""
ENOUGH = 1.5
"""The sum of likenesses at which no further texel is looked at."""

RANGE_SIGMA = 0.06
"""How far lumas (0 to 1) may differ for paint to be taken for that of the place."""

CARRIED: dict[str, int | float] = {
    "SEEN": SEEN,
    "TAPS": TAPS,
    "FIRST_RADIUS": FIRST_RADIUS,
    "GROWTH": GROWTH,
    "LIKE_LUMA": LIKE_LUMA,
    "LIKE_DISTANCE": LIKE_DISTANCE,
    "LIKE_FLOOR": LIKE_FLOOR,
    "ENOUGH": ENOUGH,
    "MOST_SLACK": MOST_SLACK,
    "RANGE_SIGMA": RANGE_SIGMA,
}


def is_to_be_carried(frame: GlFrame, paint: PaintTextures, eye: int) -> bool:
    """Whether both were taken from poses that mean something, and are not one and the same picture."""
    source = paint.frame.source
    is_its_own = source.sequence == frame.sequence and eye in source.views
    return frame.has_poses and source.posed and not is_its_own


def place_of(paint: PaintTextures, eye: int) -> int:
    """Which picture of the paint is for this eye: its own one, else the only one there is."""
    return paint.views.index(eye) if eye in paint.views else 0


class PaintCarrier:
    """Carries paint, at its own size, to where its surfaces are in a frame."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._passes: dict[tuple[int, int, bool], FullscreenPass] = {}
        self._target: Canvas | None = None
        self._done: tuple[object, ...] = ()

    def carry(self, frame: GlFrame, paint: PaintTextures) -> moderngl.Texture:
        """The paint as both eyes of `frame` see it, laid out as `PaintTextures` are; alpha is the luma of the frame.

        Valid until the next call. The same again is free.
        """
        wanted = frame, paint.frame, paint.texture, paint.depth
        width, height = paint.size
        target = self._sized((width, EYES * height))
        if len(self._done) != len(wanted) or any(
            one is not other for one, other in zip(self._done, wanted, strict=True)
        ):
            # Both at once: changing between targets is what costs software most.
            for eye in range(EYES):
                self._draw(frame, paint, eye, target.framebuffer, (0, eye * height, width, height))
            self._done = wanted
        return target.texture

    def _draw(
        self, frame: GlFrame, paint: PaintTextures, eye: int, target: moderngl.Framebuffer, viewport: Viewport
    ) -> None:
        textures, smooth = [frame.color[eye], paint.texture], [frame.color[eye].size != paint.size, False]
        by_depth = False
        if frame.depth is not None and paint.depth is not None:
            by_depth = True
            textures += [frame.depth[eye], paint.depth]
            smooth += [False, False]
        across, down = (taps(*lengths) for lengths in zip(frame.color[eye].size, paint.size, strict=True))
        self._pass(across, down, by_depth).draw(target, viewport, textures, smooth, **_carrying(frame, paint, eye))

    def _sized(self, size: Size) -> Canvas:
        if self._target is None or self._target.size != size:
            self._free_target()
            self._target = Canvas(self._ctx, size, 4)
        return self._target

    def _free_target(self) -> None:
        if self._target is not None:
            self._target.release()
            self._target, self._done = None, ()

    def _pass(self, across: int, down: int, by_depth: bool) -> FullscreenPass:
        variant = across, down, by_depth
        if variant not in self._passes:
            inputs, defines = ["frame", "paint"], {**CARRIED, "TAPS_X": across, "TAPS_Y": down}
            if by_depth:
                inputs += ["depth", "paint_depth"]
                defines["DEPTH"] = 1
            self._passes[variant] = FullscreenPass(self._ctx, "carried.frag", inputs, defines)
        return self._passes[variant]

    def release(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._free_target()
        while self._passes:
            self._passes.popitem()[1].release()


def _carrying(frame: GlFrame, paint: PaintTextures, eye: int) -> dict[str, Any]:
    """The uniforms of `carried.frag` for one eye of the frame."""
    height, own = paint.size[1], place_of(paint, eye)
    other = len(paint.views) - 1 - own
    return {
        "to_own": _matrix(frame, paint, eye, own),
        "to_other": _matrix(frame, paint, eye, other),
        "rows": (float(own * height), float(other * height)),
        "size": paint.size,
        "views": len(paint.views),
        "unproject": unprojection(frame.eyes[eye].projection_44),
        "scale": tuple(full / small for full, small in zip(frame.color[eye].size, paint.size, strict=True)),
    }


def _matrix(frame: GlFrame, paint: PaintTextures, eye: int, place: int) -> tuple[float, ...]:
    view = paint.frame.source.eyes[paint.views[place]]
    return column_major(to_texels(frame.eyes[eye], view, paint.size))
