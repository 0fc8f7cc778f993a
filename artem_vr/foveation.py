"""Foveated painting: the middle of what an eye looks at is painted finely, and the rest coarsely.

Each eye is painted at several scales, in pictures of one size: the whole, then the middle half of it along each side,
which is as large in pixels and so twice as fine, and so on inwards (the nested levels of a clipmap, Tanner, Migdal and
Jones 1998; for rendering after Guenter et al. 2012, "Foveated 3D graphics"). The compositor lays the finer over the
coarser, and each fades out towards its border (`RAMP`).
"""

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EYES, WHOLE, EyeView, Point, Size, Views, Window, Windows

RAMP = 0.18
"""Over how much of a finer picture, from each side, it comes in."""
_STEP = 1 / 32
"""What windows move by, in parts of the eye's picture: who looks somewhere again finds the paint that was there."""
_STILL = 1 / 16
"""How far the gaze may wander, likewise, before the windows follow it: eyes are never quite still."""
_LOST = 0.5
"""For how many seconds a gaze that is lost is taken to be where it was: eyes blink."""
_SMALLEST_SIDE = 16

Points = tuple[Point, Point]


def scale_count(periphery: int) -> int:
    """At how many scales an eye is painted whose periphery is 1, 2 or 4 times as coarse along each side."""
    return periphery.bit_length()


def picture_size(full_size: Size, periphery: int) -> Size:
    """The (width, height) of the pictures whose finest is as fine as one of the whole eye at `full_size`: both even."""
    if periphery == 1:
        return full_size
    width, height = (max(_SMALLEST_SIDE, 2 * round(side / periphery / 2)) for side in full_size)
    return width, height


def window_at(point: Point, scale: int) -> Window:
    """What the picture of this scale (0 the whole) shows: around `point`, but nothing from outside of the eye's."""
    if scale == 0:
        return WHOLE
    length = 0.5**scale
    left, low = (min(max(place - length / 2, 0.0), 1.0 - length) for place in point)
    return left, low, length, length


def pictures(eyes: Views, points: Points, scales: int) -> tuple[Views, Windows]:
    """What a bridge is to give of these eyes (see `TensorFrame`), with no windows where there is one scale."""
    if scales == 1:
        return eyes, ()
    return eyes * scales, tuple(window_at(points[eye], scale) for scale in range(scales) for eye in eyes)


def straight_ahead(eyes: tuple[EyeView, EyeView]) -> Points:
    """Where in their pictures eyes look that look straight ahead; pictures need not be symmetrical about it."""
    left, right = (
        ((1.0 - float(eye.projection_44[0, 2])) / 2, (1.0 - float(eye.projection_44[1, 2])) / 2) for eye in eyes
    )
    return left, right


class Gaze:
    """Where the windows stand. They follow a gaze that is known, in steps and not every tremble; else both look ahead.

    Both move at once, so that the two eyes' windows show the same.
    """

    def __init__(self) -> None:
        self._points: Points | None = None
        self._seen: tuple[float, Points] | None = None

    def follow(self, gaze: Points | None, eyes: tuple[EyeView, EyeView], time: float = 0.0) -> Points:
        """The middles of the windows for this frame; `gaze` and `time` are those of its `FrameRequest`."""
        if gaze is not None:
            self._seen = time, gaze
        elif self._seen is not None and time - self._seen[0] <= _LOST:
            gaze = self._seen[1]
        wanted = np.array(straight_ahead(eyes) if gaze is None else gaze, np.float64)
        if self._points is None or np.abs(wanted - np.array(self._points)).max() > _STILL:
            stepped = (np.rint(wanted.clip(0, 1) / _STEP) * _STEP).tolist()
            self._points = (tuple(stepped[0]), tuple(stepped[1]))
        return self._points


def ramp(places_HW2: NDArray[np.floating]) -> NDArray[np.floating]:
    """How much a finer picture counts (H, W) at these places of it, each from 0 to 1 across it: not at all at its edge.

    The plain twin of `ramp` in `shaders/include/window.glsl`.
    """
    t = (np.minimum(places_HW2, 1 - places_HW2) / RAMP).clip(0, 1)
    return np.asarray((t * t * (3 - 2 * t)).prod(-1))


def metres_of_windows(metres_EHW: NDArray[np.float32], views: Views, windows: Windows) -> NDArray[np.float32]:
    """Distances of whole pictures (2, H, W), one for each eye, as the windows' (E, H, W), each the nearest pixel's."""
    if len(metres_EHW) != EYES or not windows:
        return metres_EHW
    height, width = metres_EHW.shape[1:]
    parts = []
    for eye, (left, low, across, up) in zip(views, windows, strict=True):
        columns = ((left + (np.arange(width) + 0.5) / width * across) * width).astype(np.intp)
        rows = ((1 - low - up + (np.arange(height) + 0.5) / height * up) * height).astype(np.intp)
        parts.append(metres_EHW[eye][np.ix_(rows, columns)])
    return np.stack(parts)
