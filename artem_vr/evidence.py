"""What was measured since the last change, summed up so that a single hiccup counts for nothing."""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_KEPT_SECONDS = 5.0
_FEWEST_FRAMES, _FEWEST_PAINTINGS = 5, 3
_TRIMMED = 0.1
"""The share of frames that is left out at either end."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A stretch of frames in milliseconds: from one to the next, worked on one, and for one painting.

    `interval_ms` leaves the longest and shortest out, `mean_interval_ms` counts them. `work_ms` is NaN where nobody
    measured it, `network_ms` None until three paintings were finished.
    """

    interval_ms: float
    mean_interval_ms: float
    work_ms: float
    network_ms: float | None


class Evidence:
    """Frames and paintings while paint is coming; when none comes any more, it is empty.

    A display that is late while nothing is painted says nothing about painting. Times are in seconds on a clock that
    never goes back.
    """

    def __init__(self) -> None:
        self._intervals: deque[tuple[float, float]] = deque()
        self._works: deque[tuple[float, float]] = deque()
        self._paintings: deque[tuple[float, float]] = deque()
        self._began: float | None = None
        self._clock = 0.0

    @property
    def seconds(self) -> float:
        """How long a stretch it covers."""
        return 0.0 if self._began is None else self._clock - self._began

    def clear(self) -> None:
        """Forgets everything."""
        for values in (self._intervals, self._works, self._paintings):
            values.clear()
        self._began = None

    def add_painting(self, clock: float, milliseconds: float) -> None:
        """Notes a painting that was finished."""
        self._began = clock if self._began is None else self._began
        self._paintings.append((clock, milliseconds))
        _forget(self._paintings, clock - _KEPT_SECONDS, _FEWEST_PAINTINGS)

    def add_frame(self, clock: float, interval_ms: float, work_ms: float) -> None:
        """Notes a frame that was shown. Values that are no positive number are left out."""
        self._clock = clock
        if not self._is_painting(clock):
            self.clear()
            return
        for values, value in ((self._intervals, interval_ms), (self._works, work_ms)):
            if is_duration(value):
                values.append((clock, value))
                _forget(values, clock - _KEPT_SECONDS, _FEWEST_FRAMES)

    def over(self, seconds: float) -> Measured | None:
        """The last `seconds`, or as many frames and paintings as it takes; None while they are not all there."""
        if self.seconds < seconds or len(self._intervals) < _FEWEST_FRAMES:
            return None
        since = self._clock - seconds
        intervals = _latest(self._intervals, since, _FEWEST_FRAMES)
        works = _latest(self._works, since, _FEWEST_FRAMES)
        paintings = _latest(self._paintings, since, _FEWEST_PAINTINGS)
        return Measured(
            interval_ms=trimmed_mean(intervals),
            mean_interval_ms=statistics.fmean(intervals),
            work_ms=trimmed_mean(works) if len(works) >= _FEWEST_FRAMES else math.nan,
            network_ms=statistics.median(paintings) if len(paintings) >= _FEWEST_PAINTINGS else None,
        )

    def _is_painting(self, clock: float) -> bool:
        """False when the newest painting is so long ago that another should have been finished."""
        if not self._paintings:
            return False
        finished, milliseconds = self._paintings[-1]
        return clock - finished <= 1.0 + 3 * milliseconds / 1e3


def is_duration(milliseconds: float) -> bool:
    """True for what can be a measured time: positive and finite."""
    return math.isfinite(milliseconds) and milliseconds > 0


def trimmed_mean(values: Sequence[float]) -> float:
    """The mean without the tenth at either end, at least one value; of three or more.

    A median would not see one refresh in four missed, and a mean would see a single hiccup.
    """
    cut = math.ceil(_TRIMMED * len(values))
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def _latest(values: deque[tuple[float, float]], since: float, fewest: int) -> list[float]:
    latest: list[float] = []
    for clock, value in reversed(values):
        if clock <= since and len(latest) >= fewest:
            break
        latest.append(value)
    return latest


def _forget(values: deque[tuple[float, float]], before: float, fewest: int) -> None:
    while len(values) > fewest and values[0][0] < before:
        values.popleft()
