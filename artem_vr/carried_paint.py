"""Lays the paint of another moment where its surfaces are seen now."""

from dataclasses import dataclass
from typing import Any

import moderngl

from artem_vr.foveation import RAMP
from artem_vr.frame import EYES, WHOLE, GlFrame, Size, Window
from artem_vr.gl.area import taps
from artem_vr.gl.canvas import Canvas
from artem_vr.gl.fullscreen import FullscreenPass
from artem_vr.paint_depth import pixels_under
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

Pair = tuple[Window, Window]
_WHOLES: Pair = (WHOLE, WHOLE)

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
    """Which picture of the paint is for this eye, of the whole: its own one, else the only one there is."""
    return paint.views.index(eye) if eye in paint.views else 0


def windows_of(paint: PaintTextures, scale: int) -> Pair:
    """What the pictures of one scale show, for both eyes."""
    first = scale * paint.frame.source.eye_count
    left, right = (paint.frame.source.window(first + place_of(paint, eye)) for eye in range(EYES))
    return left, right


class PaintCarrier:
    """Carries paint, at its own size, to where its surfaces are in a frame."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._passes: dict[tuple[int, int, bool, bool], FullscreenPass] = {}
        self._done: list[_Done] = []

    def carry(self, frame: GlFrame, paint: PaintTextures, windows: Pair = _WHOLES, scale: int = 0) -> moderngl.Texture:
        """The paint of one scale as both eyes of `frame` see it through these windows, one for each.

        It is laid out as `PaintTextures` are, the alpha the luma of the frame. What finer pictures do not show is of
        the coarser ones, which must have been carried before. Valid until the next call with this scale. The same
        again is free. Raises `IndexError` for a scale whose coarser one was not carried.
        """
        done = self._sized(scale, paint.size)
        wanted = frame, paint.frame, paint.texture, paint.depth
        if done.windows != windows or any(one is not other for one, other in zip(done.of, wanted, strict=True)):
            # Both at once: changing between targets is what costs software most.
            for eye in range(EYES):
                self._draw(frame, paint, eye, windows, scale)
            done.of, done.windows = wanted, windows
        return done.target.texture

    def _draw(self, frame: GlFrame, paint: PaintTextures, eye: int, windows: Pair, scale: int) -> None:
        window, color = windows[eye], frame.color[eye]
        textures, smooth = [color, paint.texture], [color.size != paint.size or scale > 0, False]
        by_depth = frame.depth is not None and paint.depth is not None
        if frame.depth is not None and paint.depth is not None:
            textures += [frame.depth[eye], paint.depth]
            smooth += [False, False]
        uniforms = _carrying(frame, paint, eye, window, scale)
        if scale > 0:
            coarser = self._done[scale - 1]
            textures.append(coarser.target.texture)
            smooth.append(False)
            uniforms["in_coarser"] = _within(window, coarser.windows[eye])
            uniforms["coarser_row"] = float(eye * paint.size[1])
        under = (round(length * share) for length, share in zip(color.size, window[2:], strict=True))
        across, down = (taps(*lengths) for lengths in zip(under, paint.size, strict=True))
        viewport = 0, eye * paint.size[1], *paint.size
        self._pass(across, down, by_depth, scale > 0).draw(
            self._done[scale].target.framebuffer, viewport, textures, smooth, **uniforms
        )

    def _sized(self, scale: int, size: Size) -> "_Done":
        """Where this scale of pictures of this size is carried to."""
        stacked = size[0], EYES * size[1]
        if len(self._done) > scale and self._done[scale].target.size != stacked:
            self._free_targets(scale)
        if len(self._done) == scale:
            self._done.append(_Done(Canvas(self._ctx, stacked, 4)))
        return self._done[scale]

    def _free_targets(self, first: int = 0) -> None:
        """Frees the targets from this scale on."""
        while len(self._done) > first:
            self._done.pop().target.release()

    def _pass(self, across: int, down: int, by_depth: bool, finer: bool) -> FullscreenPass:
        variant = across, down, by_depth, finer
        if variant not in self._passes:
            inputs, defines = ["frame", "paint"], {**CARRIED, "TAPS_X": across, "TAPS_Y": down}
            if by_depth:
                inputs += ["depth", "paint_depth"]
                defines["DEPTH"] = 1
            if finer:
                inputs.append("coarser")
                defines |= {"FINER": 1, "RAMP": RAMP}
            self._passes[variant] = FullscreenPass(self._ctx, "carried.frag", inputs, defines)
        return self._passes[variant]

    def release(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._free_targets()
        while self._passes:
            self._passes.popitem()[1].release()


@dataclass(slots=True, eq=False)
class _Done:
    """What the pictures of one scale were carried to, and what that was."""

    target: Canvas
    windows: Pair = _WHOLES
    of: tuple[object, ...] = (None, None, None, None)


def _within(window: Window, outer: Window) -> Window:
    """Where a window lies in an outer one, in parts of it."""
    left, low = ((window[axis] - outer[axis]) / outer[axis + 2] for axis in range(2))
    return left, low, window[2] / outer[2], window[3] / outer[3]


def _carrying(frame: GlFrame, paint: PaintTextures, eye: int, window: Window, scale: int) -> dict[str, Any]:
    """The uniforms of `carried.frag` for what one eye of the frame sees through a window."""
    height, source = paint.size[1], paint.frame.source
    own = scale * source.eye_count + place_of(paint, eye)
    other = source.other(own)
    view = frame.eyes[eye].through(window)
    corner, pixels = pixels_under(window, frame.color[eye].size, paint.size)
    return {
        "to_own": column_major(to_texels(view, source.view(own), paint.size)),
        "to_other": column_major(to_texels(view, source.view(other), paint.size)),
        "rows": (float(own * height), float(other * height)),
        "size": paint.size,
        "views": source.eye_count,
        "unproject": unprojection(frame.eyes[eye].projection_44),
        "corner": corner,
        "scale": pixels,
        "window": window,
    }
