"""Records what a display shows, without holding it up."""

import threading
from collections import deque
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import ArtemError, DisplayError
from artem_vr.media.pending_file import PendingFile, PendingWriter
from artem_vr.media.video_writer import VideoWriter, check_video_suffix

_TIME_BASE = Fraction(1, 90_000)
_WAITING = 8


class Recorder(PendingWriter):
    """Encodes pictures to a video file on a thread of its own.

    With `live`, `add` never waits: when the encoder is late, the oldest waiting picture is dropped (`dropped` counts
    them). Without it `add` waits for room, and every picture gets into the file. `rate` is the rate at which
    pictures are expected; their times are kept as they are. Raises `InputError` for an unknown suffix and
    `DisplayError` when the place cannot be written, both on opening.
    """

    def __init__(self, path: Path, live: bool, rate: float = 60.0) -> None:
        check_video_suffix(path)
        PendingFile(path).discard()  # better to know now than after the performance
        self.path, self.dropped = path, 0
        self._live, self._rate = live, Fraction(rate).limit_denominator(1001)
        self._changed = threading.Condition()
        self._waiting: deque[tuple[NDArray[np.uint8], float]] = deque()
        self._added = 0
        self._ending = self._discarding = False
        self._error: ArtemError | None = None
        self._thread = threading.Thread(target=self._run, name=f"record {path.name}", daemon=True)
        self._thread.start()

    def add(self, rgb_HWC: NDArray[np.uint8], time: float) -> None:
        """Takes a picture (uint8 RGB, top row first; not to be changed afterwards) that was shown at `time` seconds.

        The first picture sets the size and the start. Raises `DisplayError` when the file cannot be written on.
        """
        with self._changed:
            while not self._live and len(self._waiting) >= _WAITING and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            if self._ending:
                raise DisplayError(f"{self.path.name} is closed: no picture can be added")
            if len(self._waiting) >= _WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append((rgb_HWC, time))
            self._added += 1
            self._changed.notify_all()

    def close(self) -> Path | None:
        """Encodes what waits and gives the file its name. Returns its path, or None when no picture was added.

        May be called twice. Raises `DisplayError` when the file could not be written.
        """
        self._end(discard=False)
        if self._error is not None:
            raise self._error
        return self.path if self._added and not self._discarding else None

    def discard(self) -> None:
        """Gives up the recording: no file stays behind. Does nothing after `close`."""
        self._end(discard=True)

    def _end(self, discard: bool) -> None:
        with self._changed:
            if not self._ending:
                self._ending, self._discarding = True, discard
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        writer: VideoWriter | None = None
        try:
            start, last_pts = 0.0, -1
            while (item := self._next()) is not None:
                picture, time = item
                if writer is None:
                    writer, start = self._open(picture), time
                # Clocks of displays can repeat themselves; a tick of 11 microseconds apart the order is kept.
                last_pts = max(last_pts + 1, round((time - start) / _TIME_BASE))
                writer.write(picture, last_pts, round(1 / (self._rate * _TIME_BASE)))
            if writer is not None and not self._discarding:
                writer.close()
        except ArtemError as error:
            self._fail(error)
        except Exception as error:  # a thread's exception would be lost, and `add` would wait for ever
            self._fail(DisplayError(f"cannot write {self.path}: {error}"))
        finally:
            if writer is not None:
                writer.discard()

    def _next(self) -> tuple[NDArray[np.uint8], float] | None:
        with self._changed:
            while not self._waiting and not self._ending:
                self._changed.wait()
            if self._discarding or not self._waiting:
                return None
            item = self._waiting.popleft()
            self._changed.notify_all()
            return item

    def _open(self, picture: NDArray[np.uint8]) -> VideoWriter:
        height, width = picture.shape[:2]
        quality, preset = (21, "ultrafast") if self._live else (18, "superfast")
        return VideoWriter(self.path, (width, height), self._rate, _TIME_BASE, quality=quality, preset=preset)

    def _fail(self, error: ArtemError) -> None:
        with self._changed:
            self._error = error
            self._waiting.clear()
            self._changed.notify_all()
