"""A stylizer that keeps to a timetable, so that what is shown when is the same on every machine."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import EngineError
from artem_vr.frame import PaintedFrame, TensorFrame
from artem_vr.ports import Engine
from artem_vr.steadiness import Steadiness
from artem_vr.stylizer import Painting, Stylizer
from trainer.comfort.modes import Timing


class PunctualStylizer(Stylizer):
    """Paints every `timing.every`-th frame that is handed in, and gives its paint `timing.late` frames later.

    It paints on the thread that hands in. The time is the number of the newest frame. The very first frame's paint is
    there at once, as it is for a display that waits for it. The engine stays open.
    """

    def __init__(
        self, engine: Engine, styles_ED: NDArray[np.float32], timing: Timing, steadiness: Steadiness | None = None
    ) -> None:
        # Not that of the base class, which would start a thread.
        self.engine, self.steadiness = engine, steadiness
        self.painted_frames = self.skipped_frames = 0
        self.on_painted: Callable[[Painting], None] | None = None
        self._styles, self._timing = np.array(styles_ED, np.float32), timing
        self._now = 0
        self._coming: list[tuple[int, PaintedFrame]] = []
        self._shown: PaintedFrame | None = None

    def set_styles(self, styles_ED: NDArray[np.float32]) -> int:
        """Changes the style of frames to come; there is one revision only."""
        self._styles = np.array(styles_ED, np.float32)
        return 0

    def submit(self, frame: TensorFrame, styles_ED: NDArray[np.float32] | None = None) -> int:
        """Paints the frame if its turn has come."""
        if styles_ED is not None:
            self.set_styles(styles_ED)
        self._now = frame.sequence
        if frame.sequence % self._timing.every:
            self.skipped_frames += 1
            return 0
        painted = PaintedFrame(frame, self._paint(frame, self._styles), 0)
        self.painted_frames += 1
        self._coming.append((frame.sequence + self._timing.late, painted))
        return 0

    def latest(self) -> PaintedFrame | None:
        """The newest painting that is due."""
        while self._coming and self._coming[0][0] <= self._now:
            self._shown = self._coming.pop(0)[1]
        return self._shown

    def wait_for(self, frame: TensorFrame, revision: int, timeout: float = 60.0) -> PaintedFrame:
        """The newest painting, due or not."""
        while self._coming:
            self._shown = self._coming.pop(0)[1]
        if self._shown is None:
            raise EngineError("no frame was handed in that would be painted")
        return self._shown

    def close(self) -> None:
        """Nothing was started."""
