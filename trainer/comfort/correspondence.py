"""Where the pixels of one picture lie in another one that shows the same world, and the other's colours there."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import FAR
from artem_vr.frame import EyeView
from artem_vr.reprojection import Carried, carry, seen

Picture = NDArray[np.float32]
"""RGB (H, W, 3) in [0, 1], top row first."""


SKY = 0.99 * FAR
"""Metres from which on a pixel shows the sky."""
_ENDLESS = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Correspondence:
    """For each pixel of a picture: its place (H, W, 2) in another one, and whether that one sees it (H, W).

    Places are (x, y) in [0, 1], y down, as in `artem_vr.reprojection`.
    """

    place_HW2: NDArray[np.float32]
    seen_HW: NDArray[np.bool_]


def by_depth(
    distance_HW: NDArray[np.floating], view: EyeView, other_distance_HW: NDArray[np.floating], other_view: EyeView
) -> Correspondence:
    """`with_edges` without the pixels at the edge of what is seen: colours taken from there are mixed with others."""
    found = with_edges(distance_HW, view, other_distance_HW, other_view)
    return Correspondence(found.place_HW2, eroded(found.seen_HW))


def with_edges(
    distance_HW: NDArray[np.floating], view: EyeView, other_distance_HW: NDArray[np.floating], other_view: EyeView
) -> Correspondence:
    """The exact one between two views of a world that stands still, with distances in metres along the view's axis.

    What is at the far plane is taken for the sky, which is endlessly far away.
    """
    carried = carry(_with_sky(distance_HW), view, other_view)
    # A plane far ahead is another one when the head turns; the sky is the same.
    is_sky = (distance_HW >= SKY) & (carried.distance_HW > 0)
    carried = Carried(carried.place_HW2, np.where(is_sky, _ENDLESS, carried.distance_HW))
    visible = seen(carried, _with_sky(other_distance_HW))
    # Behind the other view places run off to infinity.
    place_HW2 = np.where(visible[..., None], carried.place_HW2, 0).astype(np.float32)
    return Correspondence(place_HW2, visible)


def _with_sky(distance_HW: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(distance_HW >= SKY, _ENDLESS, distance_HW)


def eroded(mask_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the pixels that touch one outside the mask."""
    return np.asarray(cv2.erode(mask_HW.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0)


def taken_from(other_HWC: Picture, place_HW2: NDArray[np.float32]) -> Picture:
    """The colours at these places of a picture, interpolated linearly between the centres of its pixels."""
    height, width = other_HWC.shape[:2]
    column, row = (place_HW2[..., axis] * size - np.float32(0.5) for axis, size in ((0, width), (1, height)))
    return np.asarray(cv2.remap(other_HWC, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def as_floats(rgb_HWC: NDArray[np.uint8]) -> Picture:
    """Bytes as numbers in [0, 1]."""
    return rgb_HWC.astype(np.float32) * np.float32(1 / 255)
