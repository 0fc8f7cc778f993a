"""The runtime's clock and this program's: both monotonic, in nanoseconds there and seconds here."""

import time

from artem_vr.xr.library import xr
from artem_vr.xr.runtime import CLOCK, Runtime
from artem_vr.xr.session import Frame

_BILLION = 1_000_000_000


class RuntimeClock:
    """Turns OpenXR's times into `time.monotonic` seconds.

    On Linux the runtime itself says how they differ. Elsewhere they are compared on the first frame, which will be
    seen about one period after it was asked for; what matters is that they never part again.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._offset: float | None = None
        if CLOCK in runtime.extensions:
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            stamp = xr.timespec(now // _BILLION, now % _BILLION)
            theirs = xr.convert_timespec_time_to_time_khr(runtime.instance, stamp).value
            self._offset = (now - theirs) / _BILLION

    def seconds(self, frame: Frame) -> float:
        """When `frame` will be seen."""
        if self._offset is None:
            self._offset = time.monotonic() + (frame.period - frame.time) / _BILLION
        return frame.time / _BILLION + self._offset
