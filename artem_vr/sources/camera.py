"""A live camera, mono or side-by-side stereo, that may be unplugged and come back."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import InputError
from artem_vr.frame import FrameRequest, HostFrame, Size
from artem_vr.sources.capture import Capture
from artem_vr.sources.layout import eyes_from_picture

_MAX_STUCK = 3
_JOIN_SECONDS = 1.0
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CameraPatience:
    """How long a camera is waited for, in seconds.

    `opening`: from opening it to its first picture. `stall`: from one picture to the next. `retry_first`, doubled
    after every failure up to `retry_last`: between two tries to open it again. `failures`: how many reads in a row
    may fail before the camera counts as lost.
    """

    opening: float = 10.0
    stall: float = 2.0
    retry_first: float = 0.1
    retry_last: float = 2.0
    failures: int = 5


@dataclass(frozen=True, slots=True)
class _Shot:
    number: int
    captured_at: float
    rgb_EHWC: NDArray[np.uint8]


class CameraSource:
    """Keeps only the newest picture of a camera; with `stereo`, its left half is for the left eye.

    `open_capture` opens the camera and raises `InputError` when there is none. On opening, the first picture is
    waited for, and its absence raises `InputError`. A camera that is lost later (its reads fail, raise or stall) is
    opened again and again while the last picture stays; `connected` tells. The size of the pictures may be another
    one after that.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        name: str,
        stereo: bool = False,
        patience: CameraPatience | None = None,
    ) -> None:
        self.name = name
        self.connected = False
        self._open_capture, self._stereo, self._patience = open_capture, stereo, patience or CameraPatience()
        self._closed = threading.Event()
        self._shot: _Shot | None = None
        self._frame: HostFrame | None = None
        self._shown = -1
        self._sessions: list[_Session] = []
        first = self._start_session()
        if not first.wait_for_news(0, self._patience.opening):
            first.stop()
            raise first.failure(name)
        self.connected = True
        self._thread = threading.Thread(target=self._supervise, args=(first,), name=f"watch {name}", daemon=True)
        self._thread.start()

    @property
    def picture_size(self) -> Size:
        """The (width, height) that one eye sees of the newest picture."""
        if self._shot is None:
            raise InputError(f"{self.name} gives no pictures")
        return self._shot.rgb_EHWC.shape[2], self._shot.rgb_EHWC.shape[1]

    def read(self, request: FrameRequest) -> HostFrame:
        """The newest picture, with the eyes of the first request that saw it. Never waits."""
        shot = self._shot
        if shot is not None and shot.number != self._shown:
            sequence = 0 if self._frame is None else self._frame.sequence + 1
            self._frame = HostFrame(sequence, shot.captured_at, shot.rgb_EHWC, request.eyes)
            self._shown = shot.number
        if self._frame is None:
            raise InputError(f"{self.name} gives no pictures")
        return self._frame

    def close(self) -> None:
        """Gives the camera back. A read that hangs in the driver is left to itself. May be called twice."""
        self._closed.set()
        for session in self._sessions:
            session.stop()
        self._thread.join(_JOIN_SECONDS)
        for session in self._sessions:
            session.join(_JOIN_SECONDS)
        self.connected = False

    def _start_session(self) -> "_Session":
        self._sessions = [session for session in self._sessions if session.is_running()]
        session = _Session(self._open_capture, self._take, self._stereo, self._patience.failures)
        self._sessions.append(session)
        return session

    def _take(self, rgb_EHWC: NDArray[np.uint8], captured_at: float) -> None:
        number = 0 if self._shot is None else self._shot.number + 1
        self._shot = _Shot(number, captured_at, rgb_EHWC)

    def _supervise(self, session: "_Session") -> None:
        """Watches a session until it ends or stalls, then tries for the next."""
        while not self._closed.is_set():
            seen = session.count
            if session.wait_for_news(seen, self._patience.stall):
                continue
            session.stop()
            if self._closed.is_set():
                return
            self.connected = False
            _log.warning("%s is lost (%s): waiting for it", self.name, session.error or "no pictures come")
            found = self._wait_for_camera()
            if found is None:
                return
            session, self.connected = found, True
            _log.warning("%s is back", self.name)

    def _wait_for_camera(self) -> "_Session | None":
        pause = self._patience.retry_first
        while not self._closed.wait(pause):
            pause = min(2 * pause, self._patience.retry_last)
            if sum(session.is_running() for session in self._sessions) >= _MAX_STUCK:
                continue  # they hang in the driver; one more would hang too
            session = self._start_session()
            if session.wait_for_news(0, self._patience.opening):
                return session
            session.stop()
        return None


class _Session:
    """One connection: a thread that opens the camera, reads until that fails or `stop` is called, and releases it.

    The thread can hang in the driver: nobody waits for it without a limit, and nothing it brings after `stop` counts.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        take: Callable[[NDArray[np.uint8], float], None],
        stereo: bool,
        failures: int,
    ) -> None:
        self.count = 0
        self.error: Exception | None = None
        self._open_capture, self._take, self._stereo, self._failures = open_capture, take, stereo, failures
        self._changed = threading.Condition()
        self._stopped = self._ended = False
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def wait_for_news(self, seen: int, seconds: float) -> bool:
        """True as soon as more than `seen` pictures have come, False when the session ends or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self.count > seen or self._ended or self._stopped, seconds)
            return self.count > seen and not self._stopped

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def failure(self, name: str) -> InputError:
        """Why no picture came."""
        if isinstance(self.error, InputError):
            return self.error
        if self.error is not None:
            return InputError(f"{name} cannot be used: {str(self.error) or type(self.error).__name__}")
        return InputError(f"{name} gives no pictures: is another program using it?")

    def is_running(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            capture = self._open_capture()
            try:
                self._read_all(capture)
            finally:
                capture.release()
        except Exception as error:  # drivers raise what they like; the supervisor decides what it means
            self.error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_all(self, capture: Capture) -> None:
        failed = 0
        while not self._stopped and failed < self._failures:
            good, bgr_HWC = capture.read()
            captured_at = time.monotonic()
            if not good or bgr_HWC is None or bgr_HWC.size == 0:
                failed += 1
                time.sleep(0.02)
                continue
            failed = 0
            rgb_EHWC = eyes_from_picture(_rgb(bgr_HWC), self._stereo)
            with self._changed:
                if self._stopped:
                    return
                self._take(rgb_EHWC, captured_at)
                self.count += 1
                self._changed.notify_all()


def _rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB of what a camera gives: BGR, with a fourth channel or not, or grey from infrared ones."""
    if picture.dtype != np.uint8:
        raise ValueError(f"its pictures are {picture.dtype}, not 8 bits a channel")
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    return np.asarray(cv2.cvtColor(picture, _TO_RGB[channels]), np.uint8)
