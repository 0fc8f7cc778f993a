"""Tells a cut from everything else that happens between two pictures of a video, from a few hundred coarse cells.

The coarse pictures are laid over each other with the shift that fits best. How far they differ then, in the mean and
relative to their own contrast, is little while the camera turns or something comes into view, and as much as the
contrast itself when one scene takes the place of another.

Measured on 300 photographs with noise of 6 levels. Two different ones: 0.67 or more in 99 of 100 pairs, 1.07 in the
median. One, turned by 5 degrees of 90 (100 degrees a second, 20 pictures a second): 0.22 at most; by 10 degrees: 0.40;
with a white square over a seventh of it: 0.64.
"""

import numpy as np
from numpy.typing import NDArray

Thumbnail = NDArray[np.float32]
"""Mean colours (rows, columns, 3) of coarse cells, in levels of 255."""

_CELLS = 16
_SAMPLES = 64
"""About how many rows and columns are looked at: more tell nothing more."""
_SHIFTS = 3
"""Cells: a fifth of the picture, which nothing turns by from one picture to the next."""
_CUT = 0.66
_FLAT = 8.0
"""Levels that are added to the contrast, so that a dark room's noise is no scene."""


def sparse(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rows and columns that a thumbnail is made of, as a view, of an array of any kind."""
    step = max(1, min(pixels_HWC.shape[:2]) // _SAMPLES)
    return pixels_HWC[::step, ::step]


def thumbnail(sparse_HWC: NDArray[np.uint8]) -> Thumbnail:
    """The coarse picture of what `sparse` left."""
    rows, columns = (min(_CELLS, side) for side in sparse_HWC.shape[:2])
    height, width = sparse_HWC.shape[0] // rows, sparse_HWC.shape[1] // columns
    cut = sparse_HWC[: rows * height, : columns * width]
    sums = np.add.reduce(cut.reshape(rows, height, columns * width, 3), axis=1, dtype=np.uint32)
    means: Thumbnail = sums.reshape(rows, columns, width, 3).mean(axis=2, dtype=np.float32) / height
    return means


def is_cut(before: Thumbnail, after: Thumbnail) -> bool:
    """Whether one scene has taken the place of another. Both have the same size."""
    # Nearly always the first comparison is the only one.
    if _difference(before, after) < _CUT:
        return False
    shifts = range(-_SHIFTS, _SHIFTS + 1)
    return all(_difference(*_overlap(before, after, down, right)) >= _CUT for down in shifts for right in shifts)


def _overlap(before: Thumbnail, after: Thumbnail, down: int, right: int) -> tuple[Thumbnail, Thumbnail]:
    """What both show when the scene has moved by so many cells."""
    rows, columns = before.shape[:2]
    moved = after[max(0, down) : rows + min(0, down), max(0, right) : columns + min(0, right)]
    return before[max(0, -down) : rows + min(0, -down), max(0, -right) : columns + min(0, -right)], moved


def _difference(one: Thumbnail, other: Thumbnail) -> float:
    if not one.size:
        return np.inf
    contrast = (one.std((0, 1)).mean() + other.std((0, 1)).mean()) / 2
    return float(np.abs(one - other).mean() / (_FLAT + contrast))
