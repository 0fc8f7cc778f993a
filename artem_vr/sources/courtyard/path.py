"""A walk around the courtyard: a closed curve for the feet and another for what the eyes rest on."""

import math

import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import Pose

ROUND = 44.0
"""Seconds for one round."""

_EYE_HEIGHT = 1.65
# Where the head is (x, z), and the point that it looks at (x, y, z), in the order of the walk.
_STOPS = np.array(
    [
        (-2.9, 5.6, 1.9, 1.55, -6.0),
        (-3.8, 3.3, 1.6, 1.6, -6.5),
        (-4.1, 0.7, -0.4, 1.7, -7.5),
        (-3.5, -1.9, 1.0, 1.9, -12.0),
        (-1.8, -4.2, 6.0, 1.4, -11.0),
        (0.5, -4.4, 6.2, 1.2, -6.6),
        (2.1, -3.0, 6.6, 1.7, -1.6),
        (3.3, -0.8, 6.0, 2.0, 5.5),
        (4.3, 1.9, 1.5, 1.7, 8.0),
        (3.6, 4.4, -3.5, 1.6, 6.5),
        (1.4, 6.1, -6.0, 1.6, 2.5),
        (-0.9, 6.4, -4.6, 1.55, -3.0),
    ]
)


def _periodic_spline(times: NDArray[np.float64], values_KD: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second derivatives (K, D) of the cubic spline through periodic knots; `times` has K + 1 entries."""
    step = np.diff(times)
    count = len(step)
    before, after = np.roll(step, 1), step
    system = np.zeros((count, count))
    here = np.arange(count)
    system[here, here] = 2 * (before + after)
    system[here, (here - 1) % count] += before
    system[here, (here + 1) % count] += after
    slope = (np.roll(values_KD, -1, 0) - values_KD) / after[:, None]
    return np.asarray(np.linalg.solve(system, 6 * (slope - np.roll(slope, 1, 0))), np.float64)


_LENGTHS = np.linalg.norm(np.roll(_STOPS[:, :2], -1, 0) - _STOPS[:, :2], axis=1)
_TIMES = np.concatenate([[0.0], np.cumsum(_LENGTHS)]) * ROUND / _LENGTHS.sum()
_BENDS = _periodic_spline(_TIMES, _STOPS)


def _along(seconds: float) -> NDArray[np.float64]:
    t = seconds % ROUND
    i = min(int(np.searchsorted(_TIMES, t, side="right")) - 1, len(_STOPS) - 1)
    j = (i + 1) % len(_STOPS)
    h = _TIMES[i + 1] - _TIMES[i]
    a, b = (_TIMES[i + 1] - t) / h, (t - _TIMES[i]) / h
    straight = a * _STOPS[i] + b * _STOPS[j]
    return straight + ((a**3 - a) * _BENDS[i] + (b**3 - b) * _BENDS[j]) * h * h / 6


def walk(seconds: float) -> Pose:
    """The head's pose `seconds` after the start: about 0.6 m/s at eye height, C2-continuous, repeats every ROUND."""
    x, z, look_x, look_y, look_z = _along(seconds)
    dx, dy, dz = look_x - x, look_y - _EYE_HEIGHT, look_z - z
    return Pose((float(x), _EYE_HEIGHT, float(z)), math.atan2(-dx, -dz), math.atan2(dy, math.hypot(dx, dz)))
