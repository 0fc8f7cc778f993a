"""Hands pictures to the stylizer as large and as often as a `BudgetGovernor` chooses."""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from artem_vr.foveation import picture_size
from artem_vr.frame import BOTH, GlFrame, PaintedFrame, Size, Views
from artem_vr.governor import BudgetGovernor
from artem_vr.paint_choice import Choice, describe
from artem_vr.ports import Bridge

_KEPT_CHANGES = 100
_log = logging.getLogger(__name__)


class PaintBudget:
    """Carries out what the governor chooses, frame by frame, and remembers it for the figures of the run.

    `prepare` makes the engine ready for eyes of a size; it runs on a thread of its own, and pictures keep their size
    until it is done: a world whose paint stands still while a network is compiled would be worse than a coarse one.
    """

    def __init__(
        self, governor: BudgetGovernor, target_fps: float, prepare: Callable[[Size], None] | None = None
    ) -> None:
        self._governor, self._target_fps, self._prepare = governor, target_fps, prepare
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._preparing: tuple[Size, Future[None]] | None = None
        self._handed: GlFrame | None = None
        self._handed_views: Views = BOTH
        self._painted_size: Size | None = None
        self._periphery = 1
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
        return picture_size(self._governor.choice.net_size, self._periphery)

    def picture(self, frame: GlFrame, bridge: Bridge, periphery: int = 1) -> GlFrame:
        """What is to be fetched over the bridge, which is given the chosen size: `frame`, or the one handed out before.

        For foveated pictures the size is that of the whole eye as fine as its middle (see `artem_vr.foveation`).

        A bridge draws the same frame only once, so that asking for it again costs nothing; one that fetches a picture
        a call later has it then.
        """
        self._periphery = periphery
        size = self._picture_size
        if bridge.net_size != size and self._is_ready(size):
            bridge.resize(size)
            self._handed = None
        if bridge.views != self._handed_views:
            # What was handed out before would be fetched anew, from textures that hold a newer frame by now.
            self._handed, self._handed_views = None, bridge.views
        self._painted_size = bridge.net_size
        self.is_due = self._handed is None or self._frames_left <= 0
        if self._handed is None or self.is_due:
            self._handed, self._frames_left = frame, self._governor.choice.cadence
        self._frames_left -= 1
        return self._handed

    def _is_ready(self, size: Size) -> bool:
        if self._prepare is None:
            return True
        if self._preparing is None or self._preparing[0] != size:
            self._preparing = size, self._thread.submit(self._prepare, size)
        done = self._preparing[1]
        if done.done() and (error := done.exception()) is not None:
            _log.warning("pictures keep their size: %s", " ".join(str(error).split())[:300])
            self._preparing = None
            self._governor.refuse(self._governor.choice.net_size)
            return False
        return done.done()

    def frame_shown(self, now: float, work_ms: float, painted: PaintedFrame | None) -> None:
        """Notes a frame shown at `now`, in seconds, that took the display's thread `work_ms`, with its newest paint."""
        self._started = now if self._started is None else self._started
        before = self._governor.choice
        if painted is None or painted is self._noted:
            choice = self._governor.frame_shown(now, work_ms)
        else:
            self._noted = painted
            _, height, width, _ = painted.source.pixels_EHWC.shape
            size = width * self._periphery, height * self._periphery
            if (width, height) == self._picture_size:
                size = self._governor.choice.net_size
            choice = self._governor.frame_shown(now, work_ms, painted.milliseconds, size)
        if choice is not before:
            self._changed(now, choice)

    def _changed(self, now: float, choice: Choice) -> None:
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
