"""A stereo photograph whose true disparity is known: what both eyes see, and where the one's pixels lie in the other.

The pipeline is not told: it compares the pictures itself, as it does a stereo camera's.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import Pose, stereo_views
from artem_vr.config import default_net_size
from artem_vr.errors import InputError
from artem_vr.media.picture import read_picture
from trainer.comfort.correspondence import Correspondence, eroded
from trainer.comfort.disparity import read_disparity
from trainer.comfort.measurement import Pairs
from trainer.comfort.recording import Recording, View, resized
from trainer.comfort.scene import RATE

_SHOWN = 12
"""For so many frames a pair is shown, so that what settles over time has settled; the last one is measured."""
_SAME = 1.0
"""How many pixels the disparities of one surface may differ as both eyes see it."""


def read_pair(left: Path, right: Path, disparity: Path) -> tuple[Recording, Pairs]:
    """A rectified pair at the size at which it is painted, and where the left eye's pixels lie in the right picture.

    Raises `InputError` for files that cannot be read, or do not fit together.
    """
    pictures = [read_picture(path).rgb_HWC for path in (left, right)]
    disparity_HW = read_disparity(disparity)
    if not pictures[0].shape[:2] == pictures[1].shape[:2] == disparity_HW.shape:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (pictures[0].shape, pictures[1].shape, disparity_HW.shape)]
        raise InputError(f"the pair {left}, {right} and its disparity have {', '.join(sizes)} pixels: take one size")
    width, height = disparity_HW.shape[::-1]
    size = default_net_size((width, height))
    rgb_EHWC = np.stack([resized(picture, size) for picture in pictures])
    # Not interpolated: between two surfaces there is none.
    disparity_HW = cv2.resize(disparity_HW, size, interpolation=cv2.INTER_NEAREST) * np.float32(size[0] / width)
    seen_by_right_HW = _as_the_right_eye_sees(disparity_HW)
    eyes = stereo_views(Pose((0.0, 0.0, 0.0)), size)
    recording = Recording([View(rgb_EHWC, eyes)] * _SHOWN, RATE)
    return recording, Pairs(0, {}, {}, {_SHOWN - 1: by_disparity(disparity_HW, seen_by_right_HW)})


def by_disparity(left_HW: NDArray[np.float32], right_HW: NDArray[np.float32]) -> Correspondence:
    """Where the left eye's pixels lie in the right picture; seen where that shows no surface in front of theirs.

    Both disparities are in pixels, not a number where unknown.
    """
    height, width = left_HW.shape
    column, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    column = column - left_HW
    inside = np.isfinite(column) & (column >= 0) & (column <= width - 1)
    nearest = np.where(inside, np.rint(column), 0).astype(np.intp)
    there = right_HW[row.astype(np.intp), nearest]
    seen_HW = inside & (np.abs(there - left_HW) <= _SAME)
    place_HW2 = np.stack([(np.where(inside, column, 0) + 0.5) / width, (row + 0.5) / height], -1)
    return Correspondence(place_HW2.astype(np.float32), eroded(seen_HW))


def _as_the_right_eye_sees(left_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """The disparity of what is nearest at each pixel of the right picture; not a number where nothing is known."""
    height, width = left_HW.shape
    row, column = np.nonzero(np.isfinite(left_HW))
    values = left_HW[row, column]
    order = np.argsort(values, kind="stable")  # what is nearest is written last, and stays
    row, column, values = row[order], column[order], values[order]
    right_HW = np.full((height, width), np.nan, np.float32)
    place = column - values
    # Both pixels that it comes to lie on: else surfaces that are stretched would have gaps.
    target = np.stack([np.floor(place), np.ceil(place)], -1).astype(np.intp)
    row, values, target = np.repeat(row, 2), np.repeat(values, 2), target.ravel()
    inside = (target >= 0) & (target < width)
    right_HW[row[inside], target[inside]] = values[inside]
    return right_HW
