"""Newly painted pictures calm down: each is mixed with what came of those before, and with the other eye's."""

import math
from dataclasses import dataclass, replace
from typing import Any

import moderngl
import numpy as np

from artem_vr.frame import EYES, EyeView, Size
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.gl.fullscreen import FullscreenPass
from artem_vr.ports import PaintTextures
from artem_vr.reprojection import MOST_SLACK, column_major, to_texels
from artem_vr.stereo_matching import nominal_eyes

LONGEST = 1.0
"""Paint that is older, in seconds, is not mixed in: too much has happened."""
LIKE_LUMA, LIKE_RANGE = 0.04, 0.25
"""How far the luma of what was painted may be from that at its place for it to be the same, and how much of the
difference between the lumas around there it may be besides."""
VERY_LIKE_LUMA = 0.015
"""The same where no depth tells: from what was at the place itself."""
ANY_LUMA = 1.0
"""The same in a pair that was compared: what does not look alike has no depth there, and exposures may differ."""
ALL_SAME = 0.5
"""How much of the same surface all texels around a place must be, for a spline through them."""

SETTLED: dict[str, int | float] = {
    "MOST_SLACK": MOST_SLACK,
    "LIKE_LUMA": LIKE_LUMA,
    "LIKE_RANGE": LIKE_RANGE,
    "VERY_LIKE_LUMA": VERY_LIKE_LUMA,
    "ALL_SAME": ALL_SAME,
}


class PaintHistory:
    """Accumulates paint over time as temporal antialiasing does a picture, at the paint's own size.

    Each texel fetches the past through its own depth and both poses, in a sharp filter, and gives it up where it
    cannot be of the same surface (Karis 2014, "High-quality temporal supersampling"; Yang, Liu and Salvi 2020, "A
    survey of temporal antialiasing techniques"). Unlike there colours of the past are not forced between those that
    are new: that the new ones waver is what is to be mended. `artem_vr.settle_reference` is the same in NumPy.

    The past is kept in half floats: in bytes a small share of a small difference is rounded away, and paint stands
    still short of what it should become.
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._passes: dict[tuple[bool, bool], FullscreenPass] = {}
        self._nominal_eyes = nominal_eyes()
        self._before: _Settled | None = None
        self._spare: _Target | None = None

    def settle(self, paint: PaintTextures, time_constant: float, vote: float) -> PaintTextures:
        """The paint as it is to be drawn, laid out as before, with the luma of what it was painted from.

        It follows what is newly painted with `time_constant` in seconds; 0 for at once. `vote` is how much of the
        other eye's new paint is mixed in where both see the same: with 0.5 they agree. Neither forgets everything
        and gives the paint back. The same painting again is free. The result is valid until the next but one.
        """
        if paint.frame.source.eye_count < EYES or paint.depth is None:
            vote = 0.0  # there is nobody to be asked, or nobody knows where
        if time_constant <= 0 and vote <= 0:
            self.forget()
            return paint
        before = self._before
        if before is not None and before.paint.frame is paint.frame:
            if before.vote == vote and before.paint.depth is paint.depth:
                return before.result
            before = None  # painted once, it has no past of its own
        target = self._target(paint.texture.size)
        keep = share_kept(before.paint, paint, time_constant) if before is not None else 0.0
        for place in range(len(paint.views)):
            self._draw(paint, before, place, keep, vote, target)
        self.forget()
        self._before = _Settled(paint, replace(paint, texture=target.shown), target, vote)
        return self._before.result

    def _draw(
        self, paint: PaintTextures, before: "_Settled | None", place: int, keep: float, vote: float, target: "_Target"
    ) -> None:
        source = paint.frame.source
        posed = source.posed
        by_depth = paint.depth is not None and (
            not posed or before is None or before.paint.depth is not None or keep == 0
        )
        past = before if before is not None and keep > 0 else None
        other = source.other(place)
        width, height = paint.size
        textures = [paint.texture, past.target.kept if past is not None else paint.texture]
        # A pair that was compared is of two eyes side by side, wherever its poses are.
        seen_by = source if posed else replace(source, eyes=self._nominal_eyes)
        view = seen_by.view(place)
        uniforms: dict[str, Any] = {
            "to_old": self._to_old(paint, past, view, place),
            "own_row": float(place * height),
            "size": (width, height),
            "keep": keep,
        }
        if by_depth and paint.depth is not None:
            textures.append(paint.depth)
            if posed:
                textures.append(past.paint.depth if past is not None and past.paint.depth else paint.depth)
            uniforms["to_other"] = column_major(to_texels(view, seen_by.view(other), paint.size))
            uniforms["other_row"] = float(other * height)
            uniforms["vote"] = vote
        viewport = 0, place * height, width, height
        smooth = [False] * len(textures)
        self._pass(by_depth, posed).draw(target.framebuffer, viewport, textures, smooth, **uniforms)

    def _to_old(self, paint: PaintTextures, past: "_Settled | None", view: EyeView, place: int) -> tuple[float, ...]:
        if past is None or not (paint.frame.source.posed and past.paint.frame.source.posed):
            width, height = paint.size
            return column_major(np.array([[width, 0, -0.5, 0], [0, height, -0.5, 0], [0, 0, 1, 0]], np.float64))
        return column_major(to_texels(view, past.paint.frame.source.view(place), paint.size))

    def _pass(self, by_depth: bool, posed: bool) -> FullscreenPass:
        variant = by_depth, by_depth and posed
        if variant not in self._passes:
            inputs, defines = ["paint", "settled"], dict(SETTLED)
            if by_depth:
                inputs.append("paint_depth")
                defines["DEPTH"] = 1
            if by_depth and posed:
                inputs.append("settled_depth")
                defines["POSED"] = 1
            elif by_depth:
                defines["LIKE_LUMA"] = ANY_LUMA
            self._passes[variant] = FullscreenPass(self._ctx, "settle.frag", inputs, defines)
        return self._passes[variant]

    def _target(self, size: Size) -> "_Target":
        spare, self._spare = self._spare, None
        if spare is not None and spare.size == size:
            return spare
        if spare is not None:
            spare.release()
        return _Target(self._ctx, size)

    def _retire(self, target: "_Target") -> None:
        if self._spare is not None:
            self._spare.release()
        self._spare = target

    def forget(self) -> None:
        """The next painting has no past."""
        if self._before is not None:
            self._retire(self._before.target)
            self._before = None

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self.forget()
        if self._spare is not None:
            self._spare.release()
            self._spare = None
        while self._passes:
            self._passes.popitem()[1].release()


def share_kept(before: PaintTextures, paint: PaintTextures, time_constant: float) -> float:
    """How much of what was is kept in the new paint, from 0 to 1: exp(-dt / time constant).

    Nothing where another style came, the pictures are of other sizes or eyes, or more than `LONGEST` has passed; nor
    where windows have moved in pictures without poses; nor where depth was known and is not now, or the other way
    round, unless it was found in a pair: that is of one moment.
    """
    passed = paint.frame.source.captured_at - before.frame.source.captured_at
    is_alike = (
        before.frame.revision == paint.frame.revision
        and before.texture.size == paint.texture.size
        and before.views == paint.views
        and (before.frame.source.windows == paint.frame.source.windows or paint.frame.source.posed)
        and ((before.depth is None) == (paint.depth is None) or not paint.frame.source.posed)
    )
    if not is_alike or time_constant <= 0 or not 0 <= passed <= LONGEST:
        return 0.0
    return math.exp(-passed / time_constant)


class _Target:
    """What is settled, exactly to go on with and in bytes to be drawn, in one pass."""

    def __init__(self, ctx: moderngl.Context, size: Size) -> None:
        self.size = size
        self.kept, self.shown = ctx.texture(size, 4, dtype="f2"), ctx.texture(size, 4)
        self.framebuffer = ctx.framebuffer([self.kept, self.shown])

    def release(self) -> None:
        release_framebuffer(self.framebuffer)
        self.kept.release()
        self.shown.release()


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """A painting, and what came of it."""

    paint: PaintTextures
    result: PaintTextures
    target: _Target
    vote: float
