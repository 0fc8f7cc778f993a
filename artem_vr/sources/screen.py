"""This machine's own screen as a camera: a desktop, a film or a game becomes a painting."""

import os
import sys
import time

import mss
import numpy as np
from mss.exception import ScreenShotError
from numpy.typing import NDArray

from artem_vr.errors import InputError
from artem_vr.frame import Size

_FPS = 30.0


class Screen:
    """An open screen (see `artem_vr.sources.capture.Capture`), looked at `fps` times a second.

    It must be used by the thread that made it: the X connection belongs to it.
    """

    def __init__(self, number: int, fps: float = _FPS) -> None:
        self.fps = fps
        self._grabber = mss.MSS()
        # The first of mss's monitors is all of them together.
        self._monitor = self._grabber.monitors[1 + number]
        self.size: Size = (int(self._monitor["width"]), int(self._monitor["height"]))
        self._next = time.monotonic()

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Waits for its time and gives what the screen shows: True and uint8 BGR (H, W, 3)."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        # After a long grab the next one is due at once, but none is made up for.
        self._next = max(now, self._next) + 1 / self.fps
        shot = self._grabber.grab(self._monitor)
        return True, np.asarray(shot, np.uint8)[..., :3]

    def release(self) -> None:
        """Gives the connection back."""
        self._grabber.close()


def open_screen(number: int = 0, fps: float = _FPS) -> Screen:
    """Opens monitor `number`, counted from 0. Raises `InputError` when there is no screen or no such monitor."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        raise InputError("there is no screen to paint (DISPLAY is not set): try --source scene")
    try:
        return Screen(number, fps)
    except IndexError as error:
        raise InputError(
            f"there is no monitor {number}: --source screen is the first one, screen:1 the next"
        ) from error
    except ScreenShotError as error:
        raise InputError(f"the screen cannot be read ({error}): try --source scene") from error
