"""Figures of a run: how fast, how old, and where the time went."""

import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from artem_vr.errors import DisplayError
from artem_vr.frame import GlFrame, HostFrame, PaintedFrame
from artem_vr.gl.timer import GpuSpan, GpuTimer
from artem_vr.media.pending_file import PendingFile
from artem_vr.stylizer import Painting
from artem_vr.trace import Trace

_KEPT = 20_000  # frames whose figures are kept: the last ten minutes at 30 a second, so that memory does not grow


class RunStats:
    """Collects per-frame figures while a pipeline runs; `report` sums them up.

    Stages are timed on the thread that runs them with the wall clock. Where OpenGL runs on a graphics card its work
    is asynchronous and shows up in the stage that has to wait for it; with a `gpu` timer, which may be set at any
    time, the device's own time is reported beside it. A `trace` is told of everything.
    """

    def __init__(self, trace: Trace | None = None) -> None:
        self.gpu: GpuTimer | None = None
        self.trace = trace
        self._stages: dict[str, deque[float]] = {}
        self._gpu_stages: dict[str, deque[float]] = {}
        self._ages_ms: deque[float] = deque(maxlen=_KEPT)
        self._ages_frames: deque[int] = deque(maxlen=_KEPT)
        self._started: float | None = None
        self._ended = 0.0
        self._last_painting: object = None
        self.frames = 0
        self.work_ms = 0.0
        """What the display's thread has worked on the current frame so far, in milliseconds."""
        self.painted_frames = 0
        self.missed_frames: int | None = None
        """Refreshes of the screen that passed without a new frame; None for a display that has no rate."""

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Around all stages of one frame."""
        shown, started = self.frames, time.perf_counter()
        self.work_ms = 0.0
        yield
        if self.gpu is not None:
            self.gpu.end_frame()
        if self.trace is not None and self.frames > shown:
            self.trace.stage("frame", started, time.perf_counter(), {"frame": shown})

    @contextmanager
    def stage(self, name: str, draws: bool = False, waits: bool = False) -> Iterator[None]:
        """Times one stage of the current frame; one that `draws`, on the device too.

        One that `waits`, for the display's time or for paint, is no part of `work_ms`.
        """
        started = time.perf_counter()
        try:
            if draws and self.gpu is not None:
                with self.gpu.stage(name):
                    yield
            else:
                yield
        finally:
            ended = time.perf_counter()
            self.add(name, (ended - started) * 1e3)
            if not waits:
                self.work_ms += (ended - started) * 1e3
            if self.trace is not None:
                self.trace.stage(name, started, ended)

    def add(self, name: str, milliseconds: float) -> None:
        """Notes a duration that somebody else measured."""
        _append(self._stages, name, milliseconds)

    def gpu_worked(self, span: GpuSpan) -> None:
        """Notes what the OpenGL device did in a stage of an earlier frame."""
        _append(self._gpu_stages, span.name, (span.end - span.begin) * 1e3)
        if self.trace is not None:
            self.trace.gpu_stage(span.name, span.begin, span.end)

    def painted(self, painting: Painting) -> None:
        """Notes a painting. May be called on the stylizer's thread."""
        if painting.gpu_ms is not None:
            _append(self._gpu_stages, "network", painting.gpu_ms)
        if self.trace is not None:
            self.trace.painting(painting)

    def picture_taken(self, frame: GlFrame | HostFrame) -> None:
        """Told, within the stage, which picture the source gave."""
        if self.trace is not None:
            self.trace.picture_taken(frame.sequence)

    def frame_shown(self, painting: PaintedFrame | None, age_seconds: float | None, age_frames: int | None) -> None:
        """Counts a displayed frame, and how old its paint was: since capture, and in pictures of the source."""
        now = time.monotonic()
        self._started = now if self._started is None else self._started
        self._ended = now
        self.frames += 1
        if painting is not None and painting is not self._last_painting:
            self._last_painting = painting
            self.painted_frames += 1
        age_ms = None if age_seconds is None else age_seconds * 1e3
        if age_ms is not None:
            self._ages_ms.append(age_ms)
        if age_frames is not None:
            self._ages_frames.append(age_frames)
        if self.trace is not None:
            self.trace.frame_shown(painting, age_ms, age_frames)

    @property
    def last_age_ms(self) -> float:
        """How old the newest paint was when it was shown, since its capture, in milliseconds; 0 before the first."""
        return self._ages_ms[-1] if self._ages_ms else 0.0

    def report(self, facts: dict[str, Any]) -> dict[str, Any]:
        """All figures under their documented keys, with the `facts` of the run (engine, sizes) added."""
        # The clock starts when the first frame is on the screen: n frames then span n - 1 intervals.
        seconds = self._ended - self._started if self._started is not None else 0.0

        def rate(count: int) -> float:
            return round((count - 1) / seconds, 2) if seconds > 0 and count > 1 else 0.0

        return {
            "frames": self.frames,
            "seconds": round(seconds, 3),
            "display_fps": rate(self.frames),
            "stylized_fps": rate(self.painted_frames),
            "stages_ms": {name: _percentiles(values) for name, values in self._stages.items()},
            # A list, for the stylizer's thread may still add to it.
            "gpu_ms": {name: _percentiles(list(values)) for name, values in list(self._gpu_stages.items())},
            "age_ms": _percentiles(self._ages_ms),
            "age_frames": {**_percentiles(self._ages_frames), "max": max(self._ages_frames, default=0)},
            "missed_frames": self.missed_frames,
            **facts,
        }


def write_json(report: Any, path: Path) -> None:
    """Writes JSON to a temporary file and renames it. Raises `DisplayError` when the place cannot be written."""
    with PendingFile(path) as pending:
        try:
            pending.path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise DisplayError(f"cannot write {path}: {error.strerror or error}") from error
        pending.commit()


def _append(figures: dict[str, deque[float]], name: str, milliseconds: float) -> None:
    figures.setdefault(name, deque(maxlen=_KEPT)).append(milliseconds)


def _percentiles(values: Sequence[float] | deque[float] | deque[int]) -> dict[str, float]:
    if not values:
        return {"p50": 0.0, "p99": 0.0}
    p50, p99 = np.percentile(np.asarray(values, np.float64), (50, 99))
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}
