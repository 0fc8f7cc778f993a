"""Keeps the picture from changing its brightness faster than eyes should have to bear.

In a headset the picture is all that there is to see, and paint may be much darker or brighter than what it was painted
from. What counts as a flash is in WCAG 2.x (success criterion 2.3.1): a pair of opposing changes in relative luminance
of 10 % or more of the maximum, where the darker image is below 80 % of it. More than three of them in any second are
too many for people with photosensitive epilepsy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

LUMA = 0.299, 0.587, 0.114
"""How much red, green and blue count (Rec. 601), here as in the shaders."""
GROUND_LUMA = 0.07
"""The luma of the ground around a picture that has another shape than the eye (see `artem_vr.gl.upload`)."""

PER_SECOND = 0.6
"""How much the mean luma may change in a second.

Four flashes within a second are eight changes, one of them of 0.075 or less at this rate. In sRGB that is less than a
tenth of the maximum luminance up to a luma of 0.7, and few pictures have more in the mean.
"""
MAX_STEP = 0.05
"""How much the mean luma may change from one frame to the next, however late that comes."""

PAUSE = 3.0
"""Seconds without a frame after which eyes have got used to the dark, as in a headset that was asleep."""


@dataclass(frozen=True, slots=True)
class Veil:
    """Black (`level` 0) or white (1), laid over the whole picture by `amount`: 0 is none, 1 hides everything."""

    level: float
    amount: float


NO_VEIL = Veil(0.0, 0.0)


def mean_luma(pixels_EHWC: Any) -> float:
    """The mean luma, in [0, 1], of uint8 sRGB pixels (E, H, W, 3) in host memory."""
    red, green, blue, _ = cv2.mean(pixels_EHWC.reshape(-1, *pixels_EHWC.shape[2:]))
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue) / 255


Reading = Callable[[], float | None]
"""Tells the mean luma that was asked for, or None while it is still being summed up. Never waits."""


def start_reading(pixels_EHWC: Any) -> Reading:
    """Begins to read the mean luma of pixels wherever they are: a NumPy array, or a torch tensor on any device.

    On the host it is known at once. On a GPU it is summed up on the caller's stream, and nobody waits for it.
    """
    if getattr(pixels_EHWC, "is_cuda", False):
        return _device_reading(pixels_EHWC)
    luma = mean_luma(np.asarray(pixels_EHWC))
    return lambda: luma


def _device_reading(pixels_EHWC: Any) -> Reading:
    import torch

    means = torch.empty(3, pin_memory=True)
    means.copy_(mean_colours(pixels_EHWC), non_blocking=True)
    done = torch.cuda.current_stream(pixels_EHWC.device).record_event()

    def luma() -> float | None:
        return sum(weight * mean for weight, mean in zip(LUMA, means.tolist(), strict=True)) if done.query() else None

    return luma


def mean_colours(pixels_EHWC: Any) -> Any:
    """The means of red, green and blue, in [0, 1], of uint8 pixels in a torch tensor: float32 (3,), where they are."""
    import torch

    return pixels_EHWC.sum((0, 1, 2), dtype=torch.int64).float() / (255 * pixels_EHWC[..., 0].numel())


class LumaMeter:
    """Reads the mean luma of the newest pixels, once for each array.

    Of pixels on a GPU it gives the newest value that is there, some frames old: a step of `BrightnessLimiter` is small
    against what may change in that time. `unread` is what the pixels are taken for before the first value.
    """

    def __init__(self, unread: float = 0.5, start: Callable[[Any], Reading] = start_reading) -> None:
        self._start = start
        self._read: Any = None
        self._luma = unread
        # The pixels are held until they have been read: their memory is used again as soon as nobody looks at it.
        self._under_way: tuple[Any, Reading] | None = None

    def read(self, pixels_EHWC: Any, count: int | None = None) -> float:
        """The mean luma of these pixels, or of the first `count` pictures of them.

        It is remembered for as long as it is asked about the very same array.
        """
        self._finish()
        if self._under_way is None and pixels_EHWC is not self._read:
            self._under_way = pixels_EHWC, self._start(pixels_EHWC if count is None else pixels_EHWC[:count])
            self._finish()
        return self._luma

    def _finish(self) -> None:
        if self._under_way is not None and (luma := self._under_way[1]()) is not None:
            self._read, self._luma = self._under_way[0], luma
            self._under_way = None


class BrightnessLimiter:
    """Finds the veil behind which the mean luma of the picture goes no faster than `per_second`.

    A veil changes the mean as it changes every pixel, on a straight line towards black or white: what is shown has
    exactly the mean luma that was meant. It looks at the mean alone; what flickers in a part of the picture it lets
    pass. `start` is the mean luma that was seen before the first frame: with 0 the first picture fades in.
    """

    def __init__(self, per_second: float = PER_SECOND, start: float = 0.0) -> None:
        self._per_second = per_second
        self._shown = start
        self._last: float | None = None

    def veil(self, luma: float, now: float, clear: bool = False, dark: bool = False, turned: float = 0.0) -> Veil:
        """What to lay over the picture of time `now` (seconds), whose mean luma is `luma`, in [0, 1].

        With `clear` nothing: whoever asks for the plain world may have to see it at once. What follows goes on from
        there. With `dark` the picture goes, or stays, behind black. `turned` is by how much the plain world has changed
        since the last time because the head turned: as much is free, for nobody's eyes mind it. After a pause longer
        than `PAUSE` the picture comes out of the dark again.
        """
        elapsed = 0.0 if self._last is None else max(0.0, now - self._last)
        self._last = now
        if clear:
            self._shown = luma
            return NO_VEIL
        if elapsed > PAUSE:
            self._shown = 0.0
        step = min(self._per_second * elapsed, MAX_STEP) + turned
        aim = 0.0 if dark else luma
        self._shown = min(max(aim, self._shown - step), self._shown + step)
        return _veil_between(luma, self._shown)


def _veil_between(luma: float, shown: float) -> Veil:
    """What turns a picture of mean luma `luma` into one of `shown`."""
    if shown < luma:
        return Veil(0.0, 1.0 - shown / luma)
    if shown > luma:
        return Veil(1.0, (shown - luma) / (1.0 - luma))
    return NO_VEIL
