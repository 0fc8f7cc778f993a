"""Plays timed pictures against the times of the requests, prepared on a thread of its own."""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import InputError
from artem_vr.frame import FrameRequest, HostFrame, Size
from artem_vr.sources.layout import eyes_from_picture

_AHEAD = 4
_JOIN_SECONDS = 5.0
_SLACK = 1e-6
"""Seconds. A request made for exactly a picture's time must not miss it by a rounding."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimedPicture:
    """A picture that is due from `time` until `until`, in seconds after the start of its clip.

    `load` gives the uint8 RGB (H, W, 3); it is not called for pictures whose time has passed already. A picture for
    which it raises `InputError` is left out.
    """

    time: float
    until: float
    load: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class _Ready:
    time: float
    rgb_EHWC: NDArray[np.uint8]


class Playback:
    """A source over a clip: `play_once` gives the pictures of one pass, in order, the first one at time 0.

    The clip starts with the first request; a request at `t` seconds after that sees the latest picture due at `t`.
    With `live`, `read` never waits: when the thread is late, the picture before stays. Without it `read` waits for
    the picture that is due, so that what is shown depends on the requests' times alone. The first picture is made
    on opening, which raises `InputError` when there is none.
    """

    def __init__(
        self,
        name: str,
        play_once: Callable[[], Iterable[TimedPicture]],
        stereo: bool = False,
        loop: bool = True,
        live: bool = True,
    ) -> None:
        self.name = name
        self._play_once, self._stereo, self._loop, self._live = play_once, stereo, loop, live
        self._changed = threading.Condition()
        self._ready: deque[_Ready] = deque()
        self._wanted = 0.0
        self._end = math.inf
        self._usable = 0
        self._error_of_pass: InputError | None = None
        self._complaints: set[str] = set()
        self._error: InputError | None = None
        self._finished = self._closed = False
        self._start: float | None = None
        self._frame: HostFrame | None = None
        self._picture_size: Size = (0, 0)
        self._thread = threading.Thread(target=self._run, name=f"play {name}", daemon=True)
        self._thread.start()
        self._wait_for_first()

    @property
    def picture_size(self) -> Size:
        """The (width, height) that one eye sees of the clip's first picture."""
        return self._picture_size

    def read(self, request: FrameRequest) -> HostFrame:
        """The picture due at the request's time. Raises `InputError` when the clip is over or lost."""
        if self._start is None:
            self._start = request.time
        now = request.time - self._start + _SLACK
        with self._changed:
            self._wanted = max(self._wanted, now)
            newest = self._take_due(now)
            while not self._live and not self._ready and not self._is_over():
                self._changed.wait()
                newest = self._take_due(now) or newest
            if self._error is not None:
                raise self._error
            if now >= self._end and not self._ready:
                raise InputError(f"{self.name} is over")
        if newest is not None:
            sequence = 0 if self._frame is None else self._frame.sequence + 1
            self._frame = HostFrame(sequence, request.time, newest.rgb_EHWC, request.eyes)
        if self._frame is None:
            raise InputError(f"{self.name} has no pictures")
        return self._frame

    def close(self) -> None:
        """Ends the thread. May be called twice."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
        self._thread.join(_JOIN_SECONDS)

    def _take_due(self, now: float) -> _Ready | None:
        newest = None
        while self._ready and self._ready[0].time <= now:
            newest = self._ready.popleft()
        self._changed.notify_all()
        return newest

    def _is_over(self) -> bool:
        return self._closed or self._finished

    def _wait_for_first(self) -> None:
        with self._changed:
            while not self._ready and not self._is_over():
                self._changed.wait()
            error = self._error if not self._ready else None
            if self._ready:
                self._picture_size = self._ready[0].rgb_EHWC.shape[2], self._ready[0].rgb_EHWC.shape[1]
        if error is not None:
            self.close()
            raise error

    def _run(self) -> None:
        error: InputError | None = None
        try:
            for picture in self._passes():
                if not self._has_room():
                    return
                self._offer(picture)
        except InputError as failure:
            error = failure
        except Exception as failure:  # a thread's exception would be lost, and the reader would wait for ever
            error = InputError(f"{self.name} failed: {failure}")
        with self._changed:
            self._finished, self._error = True, error
            self._changed.notify_all()

    def _has_room(self) -> bool:
        """Waits for room in the queue; False when the source is closed."""
        with self._changed:
            while len(self._ready) >= _AHEAD and not self._closed:
                self._changed.wait()
            return not self._closed

    def _offer(self, picture: TimedPicture) -> None:
        if picture.until <= self._wanted:
            self._usable += 1
            return
        try:
            rgb_EHWC = eyes_from_picture(picture.load(), self._stereo)
        except InputError as error:
            self._error_of_pass = error
            self._complain(f"{self.name}: a picture is left out: {error}")
            return
        self._usable += 1
        with self._changed:
            if not self._closed:
                self._ready.append(_Ready(picture.time, rgb_EHWC))
            self._changed.notify_all()

    def _complain(self, message: str) -> None:
        """Logs a warning, once: what is damaged is met again in every pass."""
        if message not in self._complaints:
            self._complaints.add(message)
            _log.warning("%s", message)

    def _passes(self) -> Iterator[TimedPicture]:
        """The clip over and over, on one time line."""
        base = 0.0
        while True:
            count, length, self._usable = 0, 0.0, 0
            for picture in self._play_once():
                count += 1
                length = picture.until
                yield TimedPicture(base + picture.time, base + picture.until, picture.load)
            if self._usable == 0:
                raise self._error_of_pass or InputError(f"{self.name} has no pictures")
            if not self._loop:
                self._end = base + length
                return
            if count == 1 or length <= 0:
                return  # a single picture stays: playing it again would show nothing new
            # After a long pause whole passes are left out.
            base += length * max(1, math.floor((self._wanted - base) / length))
