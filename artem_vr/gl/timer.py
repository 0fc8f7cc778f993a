"""When OpenGL did its work: time stamps on its own clock, read frames later and never waited for.

A stamp (`GL_TIMESTAMP`, core since OpenGL 3.3) is written by the device when it gets there, long after the call has
returned. So a span is the time between two places in the stream of commands as the device passed them: its work, and
any pause in which nothing was given to it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import moderngl

_QUERIES = 128
"""Stamps that may be under way: a dozen frames of five stages. No device is further behind than three."""
_AT_ONCE = 1e-4
"""Seconds between two stages that count as none."""
_SECONDS_BETWEEN_COMPARISONS = 5.0
_TRIES = 3


@dataclass(frozen=True, slots=True)
class GpuSpan:
    """A stretch of the device's time in seconds, on the clock that the timer was given."""

    name: str
    begin: float
    end: float


class TimerQueries(Protocol):
    """What OpenGL offers for it. Queries are numbers, stamps nanoseconds that wrap around after `counter_bits`."""

    counter_bits: int

    def create(self, count: int) -> list[int]:
        """New queries."""

    def stamp(self, query: int) -> None:
        """Has the device write its time when it gets here."""

    def is_available(self, query: int) -> bool:
        """True when that has happened. Never waits."""

    def nanoseconds(self, query: int) -> int:
        """The stamp; to be asked for only when it is available, for otherwise it would be waited for."""

    def now(self) -> int:
        """The device's clock at this moment, whatever it still has to do."""

    def delete(self, queries: list[int]) -> None:
        """Gives them back."""


@dataclass(slots=True)
class _UnderWay:
    name: str
    frame: int
    first: int
    last: int
    last_is_shared: bool = False


class GpuTimer:
    """Times stages of the commands in the current context, and tells `on_span` of each, frames later.

    `clock` gives the seconds in which spans are told; it is compared with the device's clock on opening and every few
    seconds. A stage that begins at once where another ended shares its stamp. A span for which no query is free,
    because the device is too far behind, is left out and counted in `lost`. Where stamps make no sense, as after a
    change of the device's clock, nothing is told.
    """

    def __init__(
        self,
        queries: TimerQueries,
        on_span: Callable[[GpuSpan], None],
        clock: Callable[[], float] = time.perf_counter,
        count: int = _QUERIES,
    ) -> None:
        self._queries, self._on_span, self._clock = queries, on_span, clock
        self._all = queries.create(count)
        self._free = deque(self._all)
        self._under_way: deque[_UnderWay] = deque()
        self._last: _UnderWay | None = None
        self._ended_at = 0.0
        self._frame = 0
        self._wraps_at = 1 << queries.counter_bits
        self._compare()
        self.lost = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Puts a stamp before and one behind the commands given meanwhile."""
        before = self._last if self._clock() - self._ended_at < _AT_ONCE else None
        if len(self._free) < (2 if before is None else 1):
            self.lost += 1
            yield
            return
        if before is not None:
            first, before.last_is_shared = before.last, True
        else:
            first = self._stamp()
        try:
            yield
        finally:
            self._last = _UnderWay(name, self._frame, first, self._stamp())
            self._under_way.append(self._last)
            self._ended_at = self._clock()

    def end_frame(self) -> None:
        """Tells of the spans of earlier frames that have come in, oldest first. Never waits.

        The frame's own spans are not asked for: that would have a driver send off what it would rather collect.
        """
        while self._under_way and self._under_way[0].frame < self._frame:
            span = self._under_way[0]
            if not self._queries.is_available(span.last):
                break
            self._under_way.popleft()
            self._tell(span)
            self._free.append(span.first)
            if not span.last_is_shared:
                self._free.append(span.last)
        self._last = None
        self._frame += 1
        if self._clock() - self._compared_at > _SECONDS_BETWEEN_COMPARISONS:
            self._compare()

    def close(self) -> None:
        """Gives the queries back. May be called twice."""
        if self._all:
            self._queries.delete(self._all)
        self._all = []
        self._free.clear()
        self._under_way.clear()
        self._last = None

    def _stamp(self) -> int:
        query = self._free.popleft()
        self._queries.stamp(query)
        return query

    def _tell(self, span: _UnderWay) -> None:
        begin, end = self._queries.nanoseconds(span.first), self._queries.nanoseconds(span.last)
        duration = self._difference(end, begin)
        if begin and end and duration >= 0:  # 0 is what a driver says that has lost the device
            started = self._compared_at + self._difference(begin, self._device_then) / 1e9
            self._on_span(GpuSpan(span.name, started, started + duration / 1e9))

    def _difference(self, later: int, earlier: int) -> int:
        """In nanoseconds, on a clock that may have wrapped around between the two."""
        difference = (later - earlier) % self._wraps_at
        return difference if difference < self._wraps_at // 2 else difference - self._wraps_at

    def _compare(self) -> None:
        """Notes what both clocks show at one moment: the narrowest of a few tries."""
        narrowest = float("inf")
        for _ in range(_TRIES):
            before = self._clock()
            device = self._queries.now()
            after = self._clock()
            if after - before < narrowest:
                narrowest = after - before
                self._compared_at, self._device_then = (before + after) / 2, device


def open_timer(ctx: moderngl.Context, on_span: Callable[[GpuSpan], None]) -> GpuTimer | None:
    """A timer in the context, which must be current; None where OpenGL keeps no time."""
    from artem_vr.gl.timer_queries import GlTimerQueries

    try:
        queries = GlTimerQueries(ctx)
    except (ImportError, AttributeError, OSError, NotImplementedError):  # what PyOpenGL raises without its libraries
        return None
    return GpuTimer(queries, on_span) if queries.counter_bits else None
