"""Hands pictures to the stylizer as large and as often as a `BudgetGovernor` chooses."""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from artem_vr.foveation import picture_size, scale_count
from artem_vr.frame import BOTH, GlFrame, PaintedFrame, Size, Views
from artem_vr.governor import BudgetGovernor
from artem_vr.paint_choice import Choice, describe
from artem_vr.ports import Bridge

Shape = tuple[Size, int]
"""The (width, height) of a batch's pictures, and how many there are."""

_KEPT_CHANGES = 100
_log = logging.getLogger(__name__)


class PaintBudget:
    """Carries out what the governor chooses, frame by frame, and remembers it for the figures of the run.

    `prepare` makes the engine ready for so many pictures of a size; it runs on a thread of its own, and pictures stay
    as they are until it is done: a world whose paint stands still while a network is compiled would be worse than a
    coarse one.
    """

    def __init__(
        self, governor: BudgetGovernor, target_fps: float, prepare: Callable[[Size, int], None] | None = None
    ) -> None:
        self._governor, self._target_fps, self._prepare = governor, target_fps, prepare
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._preparing: dict[Shape, Future[None]] = {}
        self._ready: Shape | None = None
        self._refused: set[Shape] = set()
        self._handed: GlFrame | None = None
        self._handed_views: Views = BOTH
        self._painted_size: Size | None = None
        self._periphery: int | None = None
        self._frames_left = 0
        self._noted: PaintedFrame | None = None
        self._started: float | None = None
        self._changes: deque[dict[str, Any]] = deque(maxlen=_KEPT_CHANGES)
        self.is_due = False
        """True when it was the turn of the frame asked about last."""

    @property
    def text(self) -> str:
        """How pictures are painted, in one line."""
        return describe(self._carried_out)

    @property
    def _carried_out(self) -> Choice:
        """What holds, with the size that pictures have: that of the choice comes when the engine is ready for it."""
        choice = self._governor.choice
        return choice if self._painted_size is None else replace(choice, net_size=self._painted_size)

    @property
    def _picture_size(self) -> Size:
        """That of the pictures when an eye is to be as fine as chosen, where that is finest."""
        return picture_size(self._governor.choice.net_size, self._periphery or 1)

    def periphery(self, wanted: int, eyes: int) -> int:
        """How many times as coarse as the middle of so many eyes the rest is to be (see `artem_vr.foveation`) now.

        As `wanted`, once the engine is ready for such pictures; until then, and if it cannot paint them, as it was.
        """
        if self._periphery is None:
            self._periphery = wanted  # as the run began, for which the engine has been made ready
        if wanted != self._periphery:
            size = picture_size(self._governor.choice.net_size, wanted)
            if self._is_ready((size, eyes * scale_count(wanted))):
                self._periphery = wanted
        return self._periphery

    def picture(self, frame: GlFrame, bridge: Bridge) -> GlFrame:
        """What is to be fetched over the bridge, which is given the chosen size: `frame`, or the one handed out before.

        Of foveated pictures what is chosen is the size of the whole eye as fine as its middle.

        A bridge draws the same frame only once, so that asking for it again costs nothing; one that fetches a picture
        a call later has it then.
        """
        size = self._picture_size
        shape = size, len(bridge.views)
        if bridge.net_size != size:
            if self._is_ready(shape):
                bridge.resize(size)
                self._handed = None
            elif shape in self._refused:
                self._refused.discard(shape)
                self._governor.refuse(self._governor.choice.net_size)
        if bridge.views != self._handed_views:
            # What was handed out before would be fetched anew, from textures that hold a newer frame by now.
            self._handed, self._handed_views = None, bridge.views
        self._painted_size = bridge.net_size
        self.is_due = self._handed is None or self._frames_left <= 0
        if self._handed is None or self.is_due:
            self._handed, self._frames_left = frame, self._governor.choice.cadence
        self._frames_left -= 1
        return self._handed

    def _is_ready(self, shape: Shape) -> bool:
        if self._prepare is None or shape == self._ready:
            return True
        if shape in self._refused:
            return False
        if shape not in self._preparing:
            self._preparing[shape] = self._thread.submit(self._prepare, *shape)
        if not self._preparing[shape].done():
            return False
        error = self._preparing.pop(shape).exception()
        if error is not None:
            _log.warning("pictures stay as they are: %s", " ".join(str(error).split())[:300])
            self._refused.add(shape)
            return False
        self._ready = shape
        return True

    def frame_shown(self, now: float, work_ms: float, painted: PaintedFrame | None) -> None:
        """Notes a frame shown at `now`, in seconds, that took the display's thread `work_ms`, with its newest paint."""
        self._started = now if self._started is None else self._started
        before = self._governor.choice
        if painted is None or painted is self._noted:
            choice = self._governor.frame_shown(now, work_ms)
        else:
            self._noted = painted
            _, height, width, _ = painted.source.pixels_EHWC.shape
            times = self._periphery or 1
            size = width * times, height * times
            if (width, height) == self._picture_size:
                size = self._governor.choice.net_size
            choice = self._governor.frame_shown(now, work_ms, painted.milliseconds, size)
        if choice is not before:
            self._changed(now, choice)

    def _changed(self, now: float, choice: Choice) -> None:
        self._refused.clear()
        choice = replace(choice, net_size=self._picture_size)
        _log.info("%s (%s)", describe(choice), choice.reason)
        self._frames_left = 0
        after = now - (self._started if self._started is not None else now)
        self._changes.append({"seconds": round(after, 2), **_figures(choice)})

    def close(self) -> None:
        """Waits for what is being prepared. May be called twice."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def report(self) -> dict[str, Any]:
        """How pictures were painted in the end, and what was chosen on the way there, for the figures of the run."""
        return {
            "target_fps": round(self._target_fps, 2),
            **_figures(self._carried_out),
            "changes": list(self._changes),
        }


def _figures(choice: Choice) -> dict[str, Any]:
    return {"net_size": list(choice.net_size), "cadence": choice.cadence, "reason": choice.reason}
