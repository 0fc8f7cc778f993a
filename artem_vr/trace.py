"""What happened when, on every track of a run: for a timeline that one can look at (see `artem_vr.trace_format`)."""

import threading
import time
from collections import OrderedDict, deque
from typing import Any, NamedTuple

from artem_vr.frame import PaintedFrame
from artem_vr.stylizer import Painting

DISPLAY, STYLIZER, GPU = "display", "stylizer", "GPU (OpenGL)"
TRACKS = (DISPLAY, STYLIZER, GPU)
KEPT = 100_000
"""Records, 16 of them a frame: four minutes at 25 frames a second, or one at 90. They take 23 MB, and their file 12."""
_REMEMBERED = 1024
"""Pictures and paintings that may still be shown."""


class Span(NamedTuple):
    """Something that took from `begin` to `end` on one of the `TRACKS`. Spans of a track stand apart, or in another."""

    track: str
    name: str
    begin: float
    end: float
    facts: dict[str, Any] | None


class Counter(NamedTuple):
    """A number that changes with time."""

    name: str
    unit: str
    time: float
    value: float


class Journey(NamedTuple):
    """A painting's way: its picture was captured, taken from the source, painted, and seen first at `shown`.

    `taken`, `painted` and `showing` are moments in spans of the display's track, of the stylizer's, and of the
    display's again: what ties these together.
    """

    number: int
    captured: float
    taken: float
    painted: float
    showing: float
    shown: float
    facts: dict[str, Any]


Record = Span | Counter | Journey


class Trace:
    """Collects the newest `limit` records; all times are seconds of `time.perf_counter`.

    Its methods are called on the display's thread, but for `painting`, which the stylizer calls on its own. On a
    `simulated` clock captures have no time of their own: a picture's journey begins when it is taken.
    """

    def __init__(self, simulated: bool = False, limit: int = KEPT) -> None:
        self._records: deque[Record] = deque(maxlen=limit)
        self._simulated = simulated
        # Captures are told on the other clock, which is the same one on most systems.
        self._offset = time.perf_counter() - time.monotonic()
        self._taken: OrderedDict[int, float] = OrderedDict()
        self._painted: OrderedDict[tuple[int, int], float] = OrderedDict()
        self._shown: PaintedFrame | None = None
        self._last_stage: Span | None = None
        self._gpu_free = 0.0
        self._journeys = 0
        self._added = 0
        self._lock = threading.Lock()

    @property
    def records(self) -> list[Record]:
        """The newest of them, in the order in which they ended."""
        with self._lock:
            return list(self._records)

    @property
    def dropped(self) -> int:
        """How many older ones have made room."""
        return self._added - len(self._records)

    def stage(self, name: str, begin: float, end: float, facts: dict[str, Any] | None = None) -> None:
        """A stage of a frame, or a whole one."""
        self._last_stage = Span(DISPLAY, name, begin, end, facts)
        self._add(self._last_stage)

    def gpu_stage(self, name: str, begin: float, end: float) -> None:
        """The device's share of a stage. Where its clock was compared anew, a span may begin a little late."""
        begin = max(begin, self._gpu_free)
        self._gpu_free = end = max(begin, end)
        self._add(Span(GPU, name, begin, end, None))

    def painting(self, painting: Painting) -> None:
        """A painting that the engine has finished; called on the stylizer's thread."""
        frame = painting.frame
        height, width = frame.source.pixels_EHWC.shape[1:3]
        facts = {"picture": frame.source.sequence, "revision": frame.revision, "net_size": f"{width}x{height}"}
        if painting.gpu_ms is not None:
            facts["gpu_ms"] = round(painting.gpu_ms, 3)
        # Of the painting only the time is kept: the pixels of a thousand would fill the memory.
        _note(self._painted, (frame.source.sequence, frame.revision), (painting.begin + painting.end) / 2)
        self._add(Span(STYLIZER, "paint", painting.begin, painting.end, facts))

    def picture_taken(self, sequence: int) -> None:
        """The source gave picture number `sequence`, in the stage under way; the first time counts."""
        if sequence not in self._taken:
            _note(self._taken, sequence, time.perf_counter())

    def frame_shown(self, painted: PaintedFrame | None, age_ms: float | None, behind: int | None) -> None:
        """A frame was shown, in the stage that ended last, with paint of that age from so many pictures ago."""
        if self._last_stage is None:
            return
        shown = self._last_stage.end
        if age_ms is not None:
            self._add(Counter("age of the paint", "ms", shown, round(age_ms, 3)))
        if behind is not None:
            self._add(Counter("behind the source", "pictures", shown, behind))
        if painted is not None and painted is not self._shown:
            self._shown = painted
            self._end_journey(painted, self._last_stage, age_ms)

    def _end_journey(self, painted: PaintedFrame, showing: Span, age_ms: float | None) -> None:
        picture = painted.source.sequence
        taken, begun = self._taken.get(picture), self._painted.get((picture, painted.revision))
        if taken is None or begun is None:
            return
        captured = taken if self._simulated else min(taken, painted.source.captured_at + self._offset)
        facts: dict[str, Any] = {"picture": picture, "revision": painted.revision}
        if age_ms is not None:
            facts["age_ms"] = round(age_ms, 3)
        self._journeys += 1
        middle = (showing.begin + showing.end) / 2
        self._add(Journey(self._journeys, captured, taken, begun, middle, showing.end, facts))

    def _add(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)
            self._added += 1


def _note(times: OrderedDict[Any, float], key: Any, moment: float) -> None:
    times[key] = moment
    while len(times) > _REMEMBERED:
        times.popitem(last=False)
