"""What a run leaves behind: a recording, a snapshot, figures, a timeline. They appear together, or not at all."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.config import RunOptions
from artem_vr.errors import ArtemError
from artem_vr.frame import FrameRequest
from artem_vr.media.picture import write_picture
from artem_vr.media.recorder import Recorder
from artem_vr.ports import Display
from artem_vr.stats import RunStats, write_json
from artem_vr.trace_format import write_trace

_USUAL_RATE = 60.0


class Outputs:
    """Follows a run frame by frame. Leaving its context without `finish` takes away whatever was begun.

    A `live` recording never waits for the encoder; otherwise every frame gets into the film. `rate` is the number of
    frames a second that are to be expected.

    Raises `DisplayError` and `InputError` on opening, when the recording cannot be begun.
    """

    def __init__(
        self,
        options: RunOptions,
        display: Display,
        stats: RunStats,
        on_frame: Callable[[int], None],
        live: bool,
        rate: float | None = None,
    ) -> None:
        self._options, self._display, self._stats, self._on_frame = options, display, stats, on_frame
        self._picture: NDArray[np.uint8] | None = None
        self._snapshot_wanted = False
        self._recorder: Recorder | None = None
        if options.record is not None:
            self._recorder = Recorder(options.record, live=live, rate=rate or _USUAL_RATE)

    def __enter__(self) -> "Outputs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recorder is not None:
            self._recorder.discard()

    def frame_shown(self, request: FrameRequest) -> None:
        """Records the frame that was just shown, and takes the snapshot that was asked for."""
        if self._recorder is not None:
            with self._stats.stage("record"):
                self._recorder.add(self._display.read_pixels(), request.time)
        if self._stats.frames == self._options.snapshot_frame:
            self._picture = self._display.read_pixels()
        if self._snapshot_wanted:
            self._snapshot_wanted = False
            self._save_snapshot(request.sequence)
        self._on_frame(self._stats.frames)

    def take_snapshot(self) -> None:
        """Asks for the next frame, without text over it, as a file in the current folder."""
        self._display.show_text([])
        self._snapshot_wanted = True

    def finish(self, report: dict[str, Any]) -> None:
        """Completes the files. Raises `DisplayError` when one cannot be written; then none appears."""
        written: list[Path] = []
        try:
            if self._options.snapshot is not None and self._stats.frames:
                picture = self._picture if self._picture is not None else self._display.read_pixels()
                write_picture(self._options.snapshot, picture)
                written.append(self._options.snapshot)
            if self._options.stats is not None:
                write_json(report, self._options.stats)
                written.append(self._options.stats)
            if self._options.trace is not None and self._stats.trace is not None:
                write_trace(self._stats.trace, report, self._options.trace)
                written.append(self._options.trace)
            if self._recorder is not None:
                self._recorder.close()
        except BaseException:  # also Ctrl-C
            for path in written:
                path.unlink(missing_ok=True)
            raise

    def _save_snapshot(self, sequence: int) -> None:
        path = Path(f"artem-vr-{time.strftime('%Y%m%d-%H%M%S')}-{sequence}.png")
        try:
            write_picture(path, self._display.read_pixels())
            self._display.show_text([f"saved {path}"])
        except ArtemError as error:  # no reason to end the show
            self._display.show_text([f"not saved: {error}"])
