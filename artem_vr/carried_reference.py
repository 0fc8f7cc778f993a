"""What `artem_vr.carried_paint` does, in NumPy, written to be read: what the shaders are tested against.

Pictures have the top row first; inside they are turned over, so that rows count upwards as the shaders' do.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.carried_paint import (
    ENOUGH,
    FIRST_RADIUS,
    GROWTH,
    LIKE_DISTANCE,
    LIKE_FLOOR,
    LIKE_LUMA,
    RANGE_SIGMA,
    SEEN,
    TAPS,
)
from artem_vr.compositor_reference import LUMA
from artem_vr.foveation import ramp
from artem_vr.frame import EyeView, Window
from artem_vr.reprojection import Floats, block_slack, distances, to_texels, under_texels

_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_ANYWHERE = EyeView(np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class PaintedView:
    """One picture of the paint: uint8 (h, w, 3), the luma it was painted from (h, w), its view, its distances (h, w).

    Distances are None where they are not known.
    """

    paint_hwC: NDArray[np.uint8]
    guide_hw: NDArray[np.uint8]
    view: EyeView
    metres_hw: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """What paint was carried to: uint8 (h, w, 3), and the luma of the frame there (h, w)."""

    paint_hwC: NDArray[np.uint8]
    guide_hw: NDArray[np.uint8]


def carried(
    frame_HWC: NDArray[np.uint8],
    view: EyeView,
    depth_HW: NDArray[np.floating] | None,
    pictures: list[PaintedView],
    coarser: tuple[Window, Carried] | None = None,
) -> Carried:
    """The paint as `view` sees it, of pictures that are smaller than the frame (H, W, 3) by a whole number.

    depth_HW: window depth in [0, 1] of the frame. pictures: that of the same eye first. Without depth of the frame or
    of the paint everything is taken to be endlessly far away. What none of them shows comes from the nearest paint that
    is like it; or, where the frame is a part of what `coarser` was carried to, a window of that, from there.
    """
    height, width = pictures[0].guide_hw.shape
    small_hwC = cv2.resize(frame_HWC[::-1].astype(np.float64), (width, height), interpolation=cv2.INTER_AREA)
    luma_hw = np.asarray(small_hwC @ LUMA / 255)
    metres_hw = None
    if depth_HW is not None and pictures[0].metres_hw is not None:
        metres_hw = distances(under_texels(depth_HW, (width, height))[::-1], view.projection_44)
    paint_hwC, seen_hw, at_hw2 = np.zeros((height, width, 3)), np.zeros((height, width)), np.zeros((height, width, 2))
    for picture in pictures:
        there_hw3 = _there(metres_hw, view, picture)
        more_hwC, more_seen_hw = _gathered(picture, there_hw3, luma_hw, metres_hw is not None)
        missing_hw = seen_hw < SEEN
        paint_hwC[missing_hw], seen_hw[missing_hw] = more_hwC[missing_hw], more_seen_hw[missing_hw]
        at_hw2[missing_hw] = there_hw3[missing_hw][:, :2]
    hidden_hw = seen_hw < SEEN
    if coarser is None:
        there_hw3 = _there(metres_hw, view, pictures[0])
        by_depth = metres_hw is not None
        paint_hwC[hidden_hw] = _nearest_like(pictures[0], there_hw3[hidden_hw], luma_hw[hidden_hw], by_depth)
    else:
        share_hw = np.where(hidden_hw, 0, _share_of_finer(at_hw2))[..., None]
        paint_hwC = share_hw * paint_hwC + (1 - share_hw) * _from_coarser(*coarser, luma_hw)
    return Carried(*(np.rint(values[::-1] * 255).clip(0, 255).astype(np.uint8) for values in (paint_hwC, luma_hw)))


def _share_of_finer(at_hw2: Floats) -> Floats:
    """How much finer pictures count that had their borders elsewhere, over their share at today's border."""
    height, width = at_hw2.shape[:2]
    here_hw2 = np.stack(np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height), -1)
    then_hw2 = (at_hw2 + 0.5) / (width, height)
    return np.minimum(1, ramp(then_hw2) / np.maximum(ramp(here_hw2), 1e-4))


def _from_coarser(window: Window, coarser: Carried, luma_hw: Floats) -> Floats:
    """The paint (h, w, 3) in a window of coarser pictures, by nearness and luma."""
    height, width = luma_hw.shape
    left, low, across, up = window
    x = (left + (np.arange(width) + 0.5) / width * across) * width - 0.5
    y = (low + (np.arange(height) + 0.5) / height * up) * height - 0.5
    place_hw2 = np.stack(np.meshgrid(x, y), -1)
    as_seen = PaintedView(coarser.paint_hwC, coarser.guide_hw, _ANYWHERE)
    return _gathered(as_seen, np.dstack([place_hw2, np.ones((height, width))]), luma_hw, by_depth=False)[0]


def _likeness(difference: Floats) -> Floats:
    return np.asarray(1 / (1 + difference**2) ** 2)


def _there(metres_hw: Floats | None, view: EyeView, picture: PaintedView) -> Floats:
    """For each texel, its place in the texels of another picture, and its distance there (h, w, 3)."""
    height, width = picture.guide_hw.shape
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    w, one = (np.ones_like(u), 0.0) if metres_hw is None else (metres_hw, 1.0)
    matrix = to_texels(view, picture.view, (width, height))
    there = np.stack([u * w, v * w, w, np.full_like(u, one)], -1) @ matrix.T
    z = np.maximum(there[..., 2], 1e-4)
    return np.stack([there[..., 0] / z, there[..., 1] / z, z], -1)


def _gathered(picture: PaintedView, there_hw3: Floats, luma_hw: Floats, by_depth: bool) -> tuple[Floats, Floats]:
    """The paint around a place, and the share of it which is of the surface that is expected there."""
    height, width = picture.guide_hw.shape
    x, y, z = np.moveaxis(there_hw3, -1, 0)
    left, low = np.floor(x).clip(0, width - 2).astype(int), np.floor(y).clip(0, height - 2).astype(int)
    across, up = (x - left).clip(0, 1), (y - low).clip(0, 1)
    inside = (z > 1e-4) & (x > -1) & (y > -1) & (x < width) & (y < height)
    paint, guide = picture.paint_hwC[::-1] / 255, picture.guide_hw[::-1] / 255
    total, weights, seen = np.zeros((*x.shape, 3)), np.zeros_like(x), np.zeros_like(x)
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row, column = low + dy, left + dx
        weight = np.where(dx, across, 1 - across) * np.where(dy, up, 1 - up)
        if by_depth and picture.metres_hw is not None:
            metres = picture.metres_hw[::-1]
            slack = block_slack(metres)[low, left]
            weight = weight * _likeness((metres[row, column] - z) / (slack * z))
        seen += weight
        weight = weight * _likeness((guide[row, column] - luma_hw) / RANGE_SIGMA) + 1e-12
        total += weight[..., None] * paint[row, column]
        weights += weight
    return total / weights[..., None], seen * inside


def _nearest_like(picture: PaintedView, there_N3: Floats, luma_N: Floats, by_depth: bool) -> Floats:
    """The paint around places that is like them, from a spiral outwards until there is enough of it (N, 3)."""
    limit = np.array(picture.guide_hw.shape[::-1]) - 1.0
    paint, guide = picture.paint_hwC[::-1] / 255, picture.guide_hw[::-1] / 255
    place_N2, z_N = there_N3[:, :2].clip(0, limit) + 0.5, there_N3[:, 2]
    total, weights, found = np.zeros((len(z_N), 3)), np.zeros(len(z_N)), np.zeros(len(z_N))
    for tap in range(TAPS):
        radius, angle = FIRST_RADIUS * GROWTH**tap, _GOLDEN_ANGLE * tap
        away = radius * np.array([np.cos(angle), np.sin(angle)])
        column, row = np.floor((place_N2 + away).clip(0, limit)).astype(int).T
        like = _likeness((guide[row, column] - luma_N) / LIKE_LUMA)
        if by_depth and picture.metres_hw is not None:
            metres = picture.metres_hw[::-1][row, column]
            like *= _likeness((metres - z_N) / (LIKE_DISTANCE * z_N)) + LIKE_FLOOR
        weight = np.where(found > ENOUGH, 0.0, (like + 1e-6) / radius**2)
        total += weight[:, None] * paint[row, column]
        weights += weight
        found = np.where(found > ENOUGH, found, found + like)
    return np.asarray(total / np.maximum(weights, 1e-12)[:, None])
