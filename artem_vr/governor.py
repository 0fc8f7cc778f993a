"""Chooses the network's size and how often to paint, so that the display keeps its rate.

In this order: the display's rate, paint that comes evenly, and the quality of the picture. Relief takes a second of
evidence, more paint takes several, and what had to be taken back is not tried again for a minute, then two, then four.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from artem_vr.backoff import Backoff, Setting, wait_after
from artem_vr.errors import UsageError
from artem_vr.evidence import Evidence, Measured, is_duration
from artem_vr.frame import Size
from artem_vr.paint_choice import Choice
from artem_vr.size_ladder import nearest_rung, pixel_count

_RELIEF_SECONDS, _ROOM_SECONDS = 1.0, 4.0
"""How long a stretch must be bad before there is less paint, and good before there is more."""
_LASTING_SECONDS, _LAST_SECONDS = 0.8, 0.4
"""How long that stretch must have been bad, and the end of it that must be bad too: a burst may spoil it all."""
_SETTLING_SECONDS = 0.5
"""What is not counted after a change; after one of size, from the end of the first painting on, which compiles."""
_TRIAL_SECONDS = 25.0
"""Trouble within this is a change's fault: more paint is taken back, and less was no help. Later it is a new one."""
_PAUSE_SECONDS = 5.0
"""Between two frames: the display was asleep."""
_CHECK_SECONDS = 0.1
_LATE, _IN_TIME, _ROOM = 1.1, 1.05, 0.85
"""The display's interval and work against its target's interval: late, in time, and with room."""
_HELPED = 0.95
"""What relief must make of the display's interval or work, or it was none."""
_WORSE = 1.2
"""How much later than when relief was no help it must be to try once more at once."""
_SPARE, _NEXT, _LEAP = 0.85, 0.7, 0.5
"""The share of its time that a painting may take: more often, one rung up, or several."""
_LONGEST_LEAP = 3

_SMALLER = "smaller: the display was late"

Step = tuple[Setting, str]


@dataclass(frozen=True, slots=True)
class _Relief:
    """Less paint for a late display that has yet to show that it helps."""

    before: Setting
    seen: Measured

    def helped(self, now: Measured) -> bool:
        return now.interval_ms <= _HELPED * self.seen.interval_ms or now.work_ms <= _HELPED * self.seen.work_ms


class BudgetGovernor:
    """Told of every frame that is shown, it says how large and how often to paint.

    `sizes` are those that may be chosen, in any order; the one nearest to `start` in pixels is the first. `target_fps`
    is the display's own rate; pictures are painted every `max_cadence`-th frame at least.

    A late display is relieved by a higher cadence, then by a smaller network. A cadence that does not help is replaced
    by the smaller network; a smaller network that does not help is taken back, and the display is left alone for a
    minute, doubling each time, unless it becomes later still: then painting is not what holds it up.

    Up to the size that it started with, the network need only be fast enough for the highest cadence; beyond it, for
    every frame. Times at other sizes are taken to be proportional to the pixels, which is too much for larger ones,
    since some of a painting's time does not grow.

    Raises `UsageError` without sizes, and for rates and cadences that make no sense.
    """

    def __init__(self, sizes: Sequence[Size], start: Size, target_fps: float, max_cadence: int = 3) -> None:
        if not sizes or min(min(size) for size in sizes) < 1:
            raise UsageError("a governor needs sizes with pixels to choose from")
        if not (math.isfinite(target_fps) and target_fps > 0):
            raise UsageError(f"a display at {target_fps:g} frames a second shows nothing: choose more than 0")
        if max_cadence < 1:
            raise UsageError(f"painting every {max_cadence}th frame makes no sense: choose 1 or more")
        self._sizes = sorted(set(sizes), key=pixel_count)
        self._interval_ms, self._max_cadence = 1e3 / target_fps, max_cadence
        self._home = nearest_rung(self._sizes, start)
        self._setting = self._before = Setting(self._home, 1)
        self._choice = Choice(self._sizes[self._home], 1, "as started")
        self._evidence, self._backoff = Evidence(), Backoff()
        self._clock, self._now = 0.0, math.nan
        self._settled_at, self._checked_at, self._good_at = 0.0, 0.0, 0.0
        self._compiling = True
        self._trial: Setting | None = None
        self._relief: _Relief | None = None
        self._first_relief: _Relief | None = None
        self._futile, self._resigned_until, self._resigned_ms = 0, 0.0, 0.0

    @property
    def choice(self) -> Choice:
        """What holds now."""
        return self._choice

    def frame_shown(
        self, now: float, work_ms: float, network_ms: float | None = None, painted_size: Size | None = None
    ) -> Choice:
        """Notes a frame shown at `now`, seconds, and returns what holds from here on.

        `work_ms` is what the display's thread worked on it, without waiting for its time. `network_ms` is how long a
        painting took that was finished since the last call, None when there was none, and `painted_size` the size of
        its eye; without it, it is taken to be of the chosen one. Values that can be no times are ignored.
        """
        if not math.isfinite(now):
            return self._choice
        passed = now - self._now
        self._now = now
        if passed > 0:
            self._clock += min(passed, _PAUSE_SECONDS)
        if passed > _PAUSE_SECONDS:
            self._settle()
        if network_ms is not None and is_duration(network_ms) and painted_size in (None, self._choice.net_size):
            self._note_painting(network_ms)
        if not self._compiling and self._clock >= self._settled_at:
            self._evidence.add_frame(self._clock, passed * 1e3, work_ms)
            if self._clock >= self._checked_at + _CHECK_SECONDS:
                self._checked_at = self._clock
                self._decide()
        return self._choice

    def _note_painting(self, network_ms: float) -> None:
        if self._compiling:
            self._compiling = False
            self._settle()
        elif self._clock >= self._settled_at:
            self._evidence.add_painting(self._clock, network_ms)

    def _settle(self) -> None:
        self._evidence.clear()
        self._settled_at = self._good_at = self._clock + _SETTLING_SECONDS

    def _decide(self) -> None:
        seen = self._evidence.over(_RELIEF_SECONDS)
        if seen is None:
            return
        if self._trial is not None and self._evidence.seconds > _TRIAL_SECONDS:
            self._trial = None
        late, slow = self._troubles(seen)
        if not (late or slow):
            self._good_at = self._clock
            self._consider_more()
        elif self._clock - self._good_at >= _LASTING_SECONDS:
            end = self._evidence.over(_LAST_SECONDS)
            if end is not None and any(self._troubles(end)):
                self._take_less(seen, late, slow)

    def _troubles(self, seen: Measured) -> tuple[bool, bool]:
        """Whether the display is late, so that something can be done about it, and whether the network is too slow."""
        is_hopeless = self._trial is None and self._is_resigned(seen)
        late = seen.interval_ms > _LATE * self._interval_ms and not is_hopeless
        return late, self._frames_needed(seen) > self._setting.cadence

    def _consider_more(self) -> None:
        if self._relief is not None and self._evidence.seconds > _TRIAL_SECONDS:
            self._end_relief()
        room = self._evidence.over(_ROOM_SECONDS)
        if room is not None and (step := self._more(room)) is not None:
            self._end_relief()
            self._trial = self._setting
            self._change(*step)

    def _take_less(self, seen: Measured, late: bool, slow: bool) -> None:
        step = self._taken_back() or self._judged(seen, late)
        if step is None:
            step = (self._relieved(seen) if late else None) or (self._faster(seen) if slow else None)
            if step is not None:
                self._backoff.lose(self._setting, self._clock)
        if step is not None:
            self._change(*step)

    def _taken_back(self) -> Step | None:
        """What held before more was tried a moment ago."""
        before, self._trial = self._trial, None
        if before is None:
            return None
        self._backoff.fail(self._setting, self._clock)
        return before, "back again: there was no room"

    def refuse(self, size: Size) -> None:
        """Told that this size, which holds now, cannot be painted: takes it back, as what failed is."""
        if size == self._choice.net_size and self._before.rung != self._setting.rung:
            self._backoff.fail(self._setting, self._clock)
            self._trial = self._relief = self._first_relief = None
            self._change(self._before, "back again: the network does not run at that size")

    def _change(self, setting: Setting, reason: str) -> None:
        self._before = self._setting
        self._compiling = setting.rung != self._setting.rung
        self._setting = setting
        self._choice = Choice(self._sizes[setting.rung], setting.cadence, reason)
        self._settle()

    def _relieved(self, seen: Measured) -> Step | None:
        """Less paint for a late display; None where there is no less."""
        rung, cadence = self._setting.rung, self._setting.cadence
        if cadence < self._max_cadence:
            needed = min(self._frames_needed(seen), self._max_cadence)
            step = Setting(rung, max(cadence + 1, needed)), "less often: the display was late"
        elif rung > 0:
            step = Setting(self._smaller(seen), cadence), _SMALLER
        else:
            return None
        steady = self._evidence.over(min(self._clock - self._good_at, _ROOM_SECONDS)) or seen
        self._relief = _Relief(self._setting, steady)
        self._first_relief = self._first_relief or self._relief
        return step

    def _judged(self, seen: Measured, late: bool) -> Step | None:
        """What follows from relief that was given to a late display: None when it helped."""
        relief, self._relief = self._relief, None
        if relief is None:
            return None
        first = self._first_relief or relief
        if not late or relief.helped(seen):
            return None
        if self._setting.rung == relief.before.rung and self._setting.rung > 0:
            # As with a camera that gives a picture every third frame anyway.
            self._relief = relief
            return Setting(relief.before.rung - 1, relief.before.cadence), _SMALLER
        # Chance may have helped once, but not twice: what did not last from the first step on is taken back as a whole.
        self._first_relief = None
        self._futile += 1
        self._resigned_until, self._resigned_ms = self._clock + wait_after(self._futile), seen.interval_ms
        return relief.before if first.helped(seen) else first.before, "back again: less paint was no help"

    def _is_resigned(self, seen: Measured) -> bool:
        """Whether less paint was no help a while ago, with a display as late as it is now."""
        return self._clock < self._resigned_until and seen.interval_ms <= _WORSE * self._resigned_ms

    def _end_relief(self) -> None:
        """Whatever relief there was has done its work."""
        if self._relief is not None:
            self._futile, self._resigned_until = 0, 0.0
        self._relief, self._first_relief = None, None

    def _faster(self, seen: Measured) -> Step | None:
        """What a slow network can hold; None where it is the slowest and smallest already."""
        needed = self._frames_needed(seen)
        if needed <= self._max_cadence:
            return Setting(self._setting.rung, needed), "less often: the network takes longer"
        fastest = Setting(self._smaller(seen), self._max_cadence)
        return (fastest, "smaller: the network was too slow") if fastest != self._setting else None

    def _more(self, room: Measured) -> Step | None:
        in_time = room.mean_interval_ms <= _IN_TIME * self._interval_ms and room.work_ms <= _ROOM * self._interval_ms
        if not in_time or room.network_ms is None:
            return None
        pace = self._pace(room)
        for cadence in range(1, self._setting.cadence):
            oftener = Setting(self._setting.rung, cadence)
            if room.network_ms <= _SPARE * cadence * pace and self._backoff.allows(oftener, self._clock):
                return oftener, "more often: there is room"
        leap = 1 if self._backoff.is_wary(self._clock) else _LONGEST_LEAP
        for rung in range(min(self._setting.rung + leap, len(self._sizes) - 1), self._setting.rung, -1):
            larger = self._larger(rung, room.network_ms * self._ratio(rung) / pace)
            if larger is not None and self._backoff.allows(larger, self._clock):
                return larger, "larger: there is room"
        return None

    def _larger(self, rung: int, frames: float) -> Setting | None:
        """How often to paint at a higher rung, where a painting should take so many `frames`; None for never."""
        share = _NEXT if rung == self._setting.rung + 1 else _LEAP
        if self._setting.cadence == 1 and frames <= share:
            return Setting(rung, 1)
        if rung <= self._home and frames <= share * self._max_cadence:
            return Setting(rung, max(self._setting.cadence, min(math.ceil(frames / _SPARE), self._max_cadence)))
        return None

    def _smaller(self, seen: Measured) -> int:
        """The next lower rung, or a lower one still when even the highest cadence would not hold that."""
        below = max(0, self._setting.rung - 1)
        if seen.network_ms is None:
            return below
        longest = _SPARE * self._max_cadence * self._pace(seen)
        while below > 0 and seen.network_ms * self._ratio(below) > longest:
            below -= 1
        return below

    def _ratio(self, rung: int) -> float:
        return pixel_count(self._sizes[rung]) / pixel_count(self._sizes[self._setting.rung])

    def _pace(self, seen: Measured) -> float:
        return max(self._interval_ms, seen.interval_ms)

    def _frames_needed(self, seen: Measured) -> int:
        """How many frames a painting lasts, rounded up; 1 while it is not known."""
        return 1 if seen.network_ms is None else max(1, math.ceil(seen.network_ms / self._pace(seen)))
