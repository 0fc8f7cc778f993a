"""The courtyard's walls and floor as screens: what stands wholly behind one of them need not be drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.buildings import EAST, HOUSE_HEIGHT, HOUSE_NORTH, NORTH, SOUTH, WALL_HEIGHT, WEST

_INSET = 0.06
"""More than an eye lies beside the middle of the head: what the middle cannot see, neither eye can."""


@dataclass(frozen=True, slots=True)
class Screen:
    """An opaque rectangle: coordinate `axis` equals `at`, the two other coordinates lie between `low` and `high`."""

    axis: int
    at: float
    low: tuple[float, float]
    high: tuple[float, float]


SCREENS = (
    Screen(0, WEST - 2.9, (0.0, NORTH), (4.5, SOUTH)),
    Screen(0, EAST, (0.0, HOUSE_NORTH), (HOUSE_HEIGHT, SOUTH)),
    Screen(2, SOUTH, (WEST, 0.0), (EAST, WALL_HEIGHT)),
    Screen(1, 0.0, (WEST - 2.6, NORTH), (EAST, SOUTH)),
)


def hidden(low_C3: NDArray[np.float32], high_C3: NDArray[np.float32], eye_3: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which boxes (C,) the eyes around a place cannot see because one screen covers them entirely."""
    picks = np.array([(i >> 2 & 1, i >> 1 & 1, i & 1) for i in range(8)], bool)
    corners = np.where(picks, high_C3[:, None], low_C3[:, None])
    covered = np.zeros(len(low_C3), bool)
    for screen in SCREENS:
        others = [axis for axis in range(3) if axis != screen.axis]
        eye_side = float(eye_3[screen.axis]) - screen.at
        side = corners[..., screen.axis] - screen.at
        behind = side * eye_side < 0
        share = eye_side / np.where(behind, eye_side - side, 1.0)
        place = eye_3[others] + share[..., None] * (corners[..., others] - eye_3[others])
        inside = (place > np.array(screen.low) + _INSET) & (place < np.array(screen.high) - _INSET)
        # A screen is convex, and so is the shadow that it throws from the eye: eight corners stand for the box.
        covered |= (behind & inside.all(-1)).all(1)
    return covered
