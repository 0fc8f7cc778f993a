"""Painting on a thread of its own: the newest frame wins, nothing queues, and the display never waits."""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import ArtemError, EngineError
from artem_vr.frame import PaintedFrame, TensorFrame
from artem_vr.ports import Engine, device_milliseconds
from artem_vr.steadiness import Steadiness

_JOIN_SECONDS = 60.0
"""How long an engine may take to come back. A thread that is still in one when Python ends brings the program down."""


class Painting(NamedTuple):
    """One stretch of the engine's work, in seconds of `time.perf_counter`, and what came of it.

    `gpu_ms` is how long the engine's device says it worked; None for one that does not tell.
    """

    frame: PaintedFrame
    begin: float
    end: float
    gpu_ms: float | None


class Stylizer:
    """Feeds an engine with the newest frame and the newest style, whichever of the two changed.

    The style is read when the engine starts on a frame, so that a change is seen in the very next painting; when no
    new frame comes (a still picture), the last one is painted again. The engine is used by this thread alone, which
    also closes it: never under a painting that is still under way.

    `on_painted` may be set at any time. It is told of each painting on that thread, before anybody else gets it.
    With a `steadiness` it is that which paints with the engine; its settings may be changed at any time.
    """

    def __init__(self, engine: Engine, styles_ED: NDArray[np.float32], steadiness: Steadiness | None = None) -> None:
        self.engine = engine
        self.steadiness = steadiness
        self._condition = threading.Condition()
        self._frame: TensorFrame | None = None
        self._fresh = False
        self._styles = np.array(styles_ED, np.float32)
        self._revision = 0
        self._painted: PaintedFrame | None = None
        self._painted_revision = -1
        self._failure: ArtemError | None = None
        self._closed = False
        self.painted_frames = 0
        self.skipped_frames = 0
        self.on_painted: Callable[[Painting], None] | None = None
        self._thread = threading.Thread(target=self._run, name="stylizer", daemon=True)
        self._thread.start()

    def set_styles(self, styles_ED: NDArray[np.float32]) -> int:
        """Changes the style vectors of the eyes; returns the revision that paintings in them will carry."""
        with self._condition:
            self._change_styles(styles_ED)
            return self._revision

    def submit(self, frame: TensorFrame, styles_ED: NDArray[np.float32] | None = None) -> int:
        """Hands in the newest frame, in place of one that the engine has not started on. Never waits for the engine.

        With `styles_ED` the style changes in the same instant, so that the frame before is not painted once more in
        the new style. Returns the revision that the frame's painting will carry.
        """
        with self._condition:
            if styles_ED is not None:
                self._change_styles(styles_ED)
            self.skipped_frames += self._fresh
            self._frame, self._fresh = frame, True
            self._condition.notify_all()
            return self._revision

    def _change_styles(self, styles_ED: NDArray[np.float32]) -> None:
        styles = np.array(styles_ED, np.float32)  # a copy: the caller may change theirs in place
        if not np.array_equal(styles, self._styles):
            self._styles = styles
            self._revision += 1
            self._condition.notify_all()

    def latest(self) -> PaintedFrame | None:
        """The newest painting, or None before the first. Raises the `EngineError` that ended the thread."""
        with self._condition:
            if self._failure is not None:
                raise self._failure
            return self._painted

    def wait_for(self, frame: TensorFrame, revision: int, timeout: float = 60.0) -> PaintedFrame:
        """Waits until `frame` (or a later one) is painted in style `revision` (or a later one).

        For recordings that paint every frame; a live display never calls it. Raises `EngineError`, also when
        nothing came within `timeout` seconds, and when the stylizer is closed meanwhile.
        """

        def ready() -> bool:
            painted = self._painted
            return (
                self._failure is not None
                or self._closed
                or (painted is not None and painted.source.sequence >= frame.sequence and painted.revision >= revision)
            )

        with self._condition:
            done = self._condition.wait_for(ready, timeout)
            if self._failure is not None:
                raise self._failure
            if self._closed:
                raise EngineError("the stylizer is closed")
            if not done or self._painted is None:
                raise EngineError(f"the engine painted nothing for {timeout:.0f} s: try a smaller --net-size")
            return self._painted

    def close(self) -> None:
        """Stops the thread after the painting under way, which then closes the engine. May be called twice."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            self._paint_until_closed()
        finally:
            self.engine.close()

    def _paint_until_closed(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._has_work())
                if self._closed or self._frame is None:
                    return
                frame, styles, revision = self._frame, self._styles, self._revision
                self._fresh = False
            try:
                started = time.perf_counter()
                pixels = self._paint(frame, styles)
                ended = time.perf_counter()
                painted = PaintedFrame(frame, pixels, revision, (ended - started) * 1e3)
                if self.on_painted is not None:
                    self.on_painted(Painting(painted, started, ended, device_milliseconds(self.engine)))
            except Exception as error:  # whatever an engine raises must reach the display's thread, not vanish here
                self._fail(error)
                return
            with self._condition:
                self._painted = painted
                self._painted_revision = revision
                self.painted_frames += 1
                self._condition.notify_all()

    def _paint(self, frame: TensorFrame, styles_ED: NDArray[np.float32]) -> Any:
        if self.steadiness is None:
            return self.engine.paint(frame.pixels_EHWC, styles_ED)
        return self.steadiness.paint(self.engine, frame, styles_ED)

    def _has_work(self) -> bool:
        return self._frame is not None and (self._fresh or self._revision != self._painted_revision)

    def _fail(self, error: Exception) -> None:
        failure = error if isinstance(error, ArtemError) else EngineError(f"the engine failed: {error!r}")
        if failure is not error:
            failure.__cause__ = error
        with self._condition:
            self._failure = failure
            self._condition.notify_all()
