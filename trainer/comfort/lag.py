"""How far paint lies from where it belongs: found by looking for pieces of it, for the paint is its own scale."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.comfort.correspondence import Picture

TILE_SHARE, _SMALLEST_TILE = 1 / 8, 16
"""The side of a tile, as a share of the picture's width, and in pixels."""
_LIKENESS = 0.7
"""The correlation from which on a tile counts as found."""
_SEEN_SHARE = 0.95
_LEAST_DEVIATION = 0.01
"""The deviation of brightness in [0, 1] that a tile must have to be told from others."""


def displacements(
    shown_HWC: Picture, reference_HWC: Picture, seen_HW: NDArray[np.bool_], reach: int
) -> NDArray[np.float64]:
    """How far (N, 2), in pixels to the right and down, each tile of the reference is off in what is shown.

    Every tile (they overlap by half) of which the reference holds enough is looked for within `reach` pixels in all
    directions, by normalised cross-correlation of the brightness; the peak's place is refined by a parabola on both
    axes. Tiles that are too plain, or are found nowhere, are left out.
    """
    shown, reference = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (shown_HWC, reference_HWC))
    height, width = reference.shape
    tile = max(_SMALLEST_TILE, int(TILE_SHARE * width))
    found = []
    for top in range(0, height - tile + 1, tile // 2):
        for left in range(0, width - tile + 1, tile // 2):
            here = slice(top, top + tile), slice(left, left + tile)
            if seen_HW[here].mean() < _SEEN_SHARE or reference[here].std() < _LEAST_DEVIATION:
                continue
            x, y = max(0, left - reach), max(0, top - reach)
            window = shown[y : top + tile + reach, x : left + tile + reach]
            likeness = cv2.matchTemplate(window, reference[here], cv2.TM_CCOEFF_NORMED)
            row, column = np.unravel_index(int(likeness.argmax()), likeness.shape)
            if likeness[row, column] >= _LIKENESS:
                across, down = _peak(likeness[row], int(column)), _peak(likeness[:, column], int(row))
                found.append((x + across - left, y + down - top))
    return np.array(found, np.float64).reshape(-1, 2)


def lag(displacement_N2: NDArray[np.float64]) -> float:
    """The median of how far tiles are off, in pixels; not a number where none was found."""
    return float(np.median(np.hypot(*displacement_N2.T))) if len(displacement_N2) else float("nan")


def _peak(values: NDArray[Any], index: int) -> float:
    """The place of the highest point of the parabola through a maximum and its neighbours."""
    if not 0 < index < len(values) - 1:
        return float(index)
    before, here, after = (float(value) for value in values[index - 1 : index + 2])
    bend = before - 2 * here + after
    return index if bend >= 0 else index + (before - after) / (2 * bend)
