"""What `artem_vr.paint_history` does to one picture, in NumPy, written to be read: what its shader is tested against.

Pictures have the top row first; inside they are turned over, so that rows count upwards as the shader's do.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EyeView
from artem_vr.paint_history import ALL_SAME, ANY_LUMA, LIKE_LUMA, LIKE_RANGE, VERY_LIKE_LUMA
from artem_vr.reprojection import Floats, block_slack, to_texels

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Paint (h, w, 3) and the luma it was painted from (h, w), both from 0 to 1, and its view.

    `metres_hw` are its distances, not positive where they are not known; None where none is.
    """

    paint_hwC: Floats
    guide_hw: Floats
    view: EyeView
    metres_hw: Floats | None = None


def settled(
    new: Picture,
    before: Picture | None,
    keep: float,
    other: Picture | None = None,
    vote: float = 0.0,
    posed: bool = True,
) -> Floats:
    """The new paint (h, w, 3), mixed with the other eye's by `vote`, and with what came of the one before by `keep`.

    Where depth is not known the past is fetched as if all were endlessly far away, and without poses from the place
    itself; then distances are those of a pair that was compared, whose views are `stereo_matching.nominal_eyes`.
    """
    paint_hwC = new.paint_hwC[::-1]
    if other is not None and new.metres_hw is not None:
        said_hwC, sure_hw = _fetched(new, other, sharp=False, like_luma=LIKE_LUMA if posed else ANY_LUMA)
        paint_hwC = paint_hwC + (vote * sure_hw)[..., None] * (said_hwC - paint_hwC)
    if before is not None and not posed:
        new, before = replace(new, metres_hw=None), replace(before, metres_hw=None)
    if before is not None:
        was_hwC, sure_hw = _fetched(new, before, True, posed)
        paint_hwC = paint_hwC + (keep * sure_hw)[..., None] * (was_hwC - paint_hwC)
    return np.asarray(paint_hwC[::-1])


def _likeness(difference: Floats) -> Floats:
    return np.asarray(1 / (1 + difference**2) ** 2)


def _there(new: Picture, there: Picture, posed: bool) -> tuple[Floats, Floats, Floats]:
    """Where the texels lie in another picture, in its texels, and their distance there."""
    height, width = new.guide_hw.shape
    column, row = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    if not posed:
        return column, row, np.ones_like(row)
    u, v = (column + 0.5) / width, (row + 0.5) / height
    w, one = (np.ones_like(u), 0.0) if new.metres_hw is None else (new.metres_hw[::-1], 1.0)
    x, y, z = np.moveaxis(
        np.stack([u * w, v * w, w, np.full_like(u, one)], -1) @ to_texels(new.view, there.view, (width, height)).T,
        -1,
        0,
    )
    z = np.maximum(z, 1e-4)
    return x / z, y / z, z


def _spline(t: Floats) -> list[Floats]:
    return [
        t * (-0.5 + t * (1 - 0.5 * t)),
        1 + t * t * (1.5 * t - 2.5),
        t * (0.5 + t * (2 - 1.5 * t)),
        t * t * (0.5 * t - 0.5),
    ]


def _fetched(
    new: Picture, there: Picture, sharp: bool, posed: bool = True, like_luma: float = LIKE_LUMA
) -> tuple[Floats, Floats]:
    """What another picture has at the places of the new one's texels, and how sure it is that it is the same."""
    height, width = new.guide_hw.shape
    paint, guide, luma_hw = there.paint_hwC[::-1], there.guide_hw[::-1], new.guide_hw[::-1]
    x, y, z = _there(new, there, posed)
    inside = (z > 1e-4) & (x > -1) & (y > -1) & (x < width) & (y < height)
    left, low = np.floor(x).clip(0, width - 2).astype(int), np.floor(y).clip(0, height - 2).astype(int)
    s, t = (x - left).clip(0, 1), (y - low).clip(0, 1)

    def same(column: Index, row: Index, dx: int, dy: int) -> Floats:
        """How much a texel of the block at this place is of the expected surface."""
        if there.metres_hw is None or new.metres_hw is None:
            return np.ones(z.shape)
        metres = there.metres_hw[::-1]
        slack = block_slack(metres)[row, column]
        return _likeness((metres[row + dy, column + dx] - z) / (slack * z))

    corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
    weights = [(s if dx else 1 - s) * (t if dy else 1 - t) * same(left, low, dx, dy) for dx, dy in corners]
    nearest = [paint[low + dy, left + dx] for dx, dy in corners]
    lumas = np.stack([guide[low + dy, left + dx] for dx, dy in corners])
    share = np.sum(weights, axis=0)
    found = np.sum([w[..., None] * texel for w, texel in zip(weights, nearest, strict=True)], axis=0)
    found = found / np.maximum(share, 1e-6)[..., None]
    if sharp:
        columns = [(left + step).clip(0, width - 2) for step in (-1, 1)]
        rows = [(low + step).clip(0, height - 2) for step in (-1, 1)]
        around = [same(column, row, dx, dy) for column in columns for row in rows for dx, dy in corners]
        by_spline = np.zeros_like(paint)
        for dy, up in zip(range(-1, 3), _spline(t), strict=True):
            for dx, across in zip(range(-1, 3), _spline(s), strict=True):
                texel = paint[(low + dy).clip(0, height - 1), (left + dx).clip(0, width - 1)]
                by_spline = by_spline + (across * up)[..., None] * texel
        by_spline = by_spline.clip(np.min(nearest, axis=0), np.max(nearest, axis=0))
        found = np.where((np.min(around, axis=0) > ALL_SAME)[..., None], by_spline, found)
    luma_there = np.sum([w * luma for w, luma in zip(weights, lumas, strict=True)], axis=0) / np.maximum(share, 1e-6)
    width_hw: Floats | float = VERY_LIKE_LUMA
    if new.metres_hw is not None:
        width_hw = like_luma + LIKE_RANGE * np.ptp(lumas, axis=0)
    return found, inside * share * _likeness((luma_there - luma_hw) / width_hw)
