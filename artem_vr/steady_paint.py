"""Pictures on their way to the painter and back: which eyes go, and what paint must know to keep its place."""

import time
from dataclasses import replace

import moderngl

from artem_vr.comfort import Comfort
from artem_vr.foveation import Points, metres_of_windows, pictures, straight_ahead
from artem_vr.frame import BOTH, GlFrame, PaintedFrame, TensorFrame, Views, Windows
from artem_vr.paint_depth import PaintDepth
from artem_vr.paint_history import PaintHistory
from artem_vr.pair_matcher import PairMatcher
from artem_vr.ports import Bridge, PaintTextures

PATIENCE, LONGEST = 0.2, 0.02
"""For which share of a frame's time a pair is waited for, and for how many seconds at most."""


class SteadyPaint:
    """Goes with a bridge: remembers the depth of what is handed to it, and joins that to the paint which comes back.

    Of stereo pairs that have no depth it is found by comparing them, as far as both eyes are to say the same; pictures
    come when that is done. They are waited for by `PATIENCE` of the time between two frames, which saves slow displays
    a whole frame, and with `at_once` for as long as it takes.
    """

    def __init__(self, ctx: moderngl.Context, at_once: bool = False) -> None:
        self._ctx, self._at_once = ctx, at_once
        self._pairs = PairMatcher()
        self._asked_at = time.monotonic()
        self._depth: PaintDepth | None = None
        self._history = PaintHistory(ctx)
        self._last: PaintTextures | None = None

    def to_tensor(
        self, frame: GlFrame, bridge: Bridge, comfort: Comfort, wait: bool = False, gaze: Points | None = None
    ) -> TensorFrame | None:
        """The eyes of `frame` that are to be painted, fetched over `bridge` (see `Bridge.to_tensor`).

        The picture before, or None, while a pair is compared, unless that is to `wait` for it. See `choose`.
        """
        views, windows = self.choose(frame, bridge, comfort, gaze)  # free where the eyes have been chosen
        if frame.depth is not None:
            self._depths.keep(frame, bridge.net_size, views, windows)
        elif comfort.vote > 0 and views[: len(BOTH)] == BOTH:
            self._pairs.start(frame, bridge.net_size)
        tensor = bridge.to_tensor(frame)
        if self._depth is not None:
            self._depth.belongs(tensor)
        matched = self._pairs.matched(tensor, None if wait or self._at_once else self._patience())
        if matched is None:
            return None
        if matched.metres_EHW is not None and not self._depths.knows(matched.tensor):
            tensor, metres_EHW = matched.tensor, matched.metres_EHW
            self._depths.know(tensor, metres_of_windows(metres_EHW, tensor.views, tensor.windows))
        return matched.tensor

    def _patience(self) -> float:
        before, self._asked_at = self._asked_at, time.monotonic()
        return min(LONGEST, PATIENCE * (self._asked_at - before))

    def choose(
        self, frame: GlFrame, bridge: Bridge, comfort: Comfort, gaze: Points | None = None
    ) -> tuple[Views, Windows]:
        """Has the bridge give the eyes of `frame` that are to be painted, and which parts of them, and says what.

        `gaze` is where in its picture each eye looks, straight ahead where that is not known.
        """
        views, windows = comfort.views(frame), Windows()
        if comfort.scales > 1:
            views, windows = pictures(views, gaze or straight_ahead(frame.eyes), comfort.scales)
        bridge.choose(views, windows)
        return views, windows

    @property
    def _depths(self) -> PaintDepth:
        if self._depth is None:
            self._depth = PaintDepth(self._ctx)
        return self._depth

    def to_texture(self, painted: PaintedFrame, bridge: Bridge, comfort: Comfort) -> PaintTextures:
        """The paint that `bridge` gives, with its depth where that is known, and settled as `comfort` says.

        The same again is the same object.
        """
        paint = bridge.to_texture(painted)
        # Depth that was found in a pair says where the other eye sees the same, and nothing about another time.
        is_wanted = comfort.needs_depth if painted.source.posed else comfort.vote > 0
        depth = self._depth.of(painted.source) if self._depth is not None and is_wanted else None
        last = self._last
        if last is None or last.texture is not paint.texture or last.frame is not painted or last.depth is not depth:
            last = self._last = replace(paint, depth=depth)
        return self._history.settle(last, comfort.settle, comfort.vote)

    @property
    def newest(self) -> PaintTextures | None:
        """The paint that came last, as it came; None before the first."""
        return self._last

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._pairs.close()
        if self._depth is not None:
            self._depth.close()
        self._history.close()
        self._depth = self._last = None
