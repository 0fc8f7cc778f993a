"""How often to paint and how large, and which of that failed lately."""

import math
from dataclasses import dataclass

_FIRST_SECONDS, _LONGEST_SECONDS = 60.0, 1800.0
_REMEMBERED_SECONDS = 300.0
_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Setting:
    """A rung of the ladder of sizes, the smallest being 0, and a cadence: a picture every how many frames."""

    rung: int
    cadence: int

    def asks_as_much_as(self, other: "Setting") -> bool:
        """True when it is neither smaller nor painted less often."""
        return self.rung >= other.rung and self.cadence <= other.cadence


class Backoff:
    """Settings that could not be held: refused for a minute, then two, then four, up to half an hour.

    What asks for more than one of them is refused with it. Each failure also refuses everything, for ten seconds,
    doubling with each in five minutes: where many settings fail, none is worth a try. After five quiet minutes a
    failure is forgotten. Times are in seconds on a clock that never goes back.
    """

    def __init__(self) -> None:
        self._failures: dict[Setting, tuple[int, float]] = {}
        self._lost: dict[Setting, float] = {}
        self._recent: list[float] = []

    def fail(self, setting: Setting, clock: float) -> None:
        """Notes that `setting` was a mistake."""
        count, until = self._failures.get(setting, (0, clock))
        count = count + 1 if clock <= until + _REMEMBERED_SECONDS else 1
        self._failures[setting] = count, clock + wait_after(count)
        self._recent = [past for past in self._recent if clock <= past + _REMEMBERED_SECONDS] + [clock]

    def lose(self, setting: Setting, clock: float) -> None:
        """Notes that `setting` had held, and holds no more: once is no failure, again within five minutes is."""
        if clock <= self._lost.get(setting, -math.inf) + _REMEMBERED_SECONDS:
            self.fail(setting, clock)
        self._lost[setting] = clock

    def allows(self, setting: Setting, clock: float) -> bool:
        """Whether it may be tried."""
        if self._recent and clock < self._recent[-1] + _PAUSE_SECONDS * 2.0 ** (len(self._recent) - 1):
            return False
        return not any(
            clock < until and setting.asks_as_much_as(failed) for failed, (_, until) in self._failures.items()
        )

    def is_wary(self, clock: float) -> bool:
        """Whether anything at all is refused."""
        return any(clock < until for _, until in self._failures.values())


def wait_after(failures: int) -> float:
    """Seconds until the next try after so many failures in a row: a minute, doubling each time."""
    return float(min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 30), _LONGEST_SECONDS))
