"""The pace of a headset, as its runtime foretells it from frame to frame."""

from artem_vr.xr.session import Frame


class Refresh:
    """Counts the refreshes that passed without a new frame, and knows how many there are in a second."""

    def __init__(self) -> None:
        self.missed = 0
        self.last: Frame | None = None
        """The newest frame since the last pause."""
        self._period = 0

    @property
    def rate(self) -> float | None:
        """Refreshes a second, the most that the runtime has foretold; None before it has.

        For a program that is late for a while a runtime may count two refreshes as one.
        """
        return 1e9 / self._period if self._period > 0 else None  # nanoseconds

    def note(self, frame: Frame) -> None:
        """Follows the headset by a frame."""
        if frame.period > 0:
            self._period = min(frame.period, self._period or frame.period)
        if self.last is not None and frame.period > 0:
            self.missed += max(0, round((frame.time - self.last.time) / frame.period) - 1)
        self.last = frame

    def pause(self) -> None:
        """What passes until the next frame is nobody's miss."""
        self.last = None
