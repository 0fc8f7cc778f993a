"""How far everything is shifted between the two pictures of a stereo camera, film or photograph, found by looking.

A disparity is how much further to the left the right eye sees something than the left one, as a share of the picture's
width, for pixels of either picture; not a number where it is not known. It may be negative: cameras that are turned
towards each other see so what is behind the place that both look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import EYE_DISTANCE, Pose, stereo_views
from artem_vr.frame import EyeView, Size

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

WIDTH = 256
"""Pictures are compared at this width at most: finer ones take longer and are known no better, as shares of it."""
LEAST, MOST = -0.2, 0.4
"""The disparities that are looked for."""
UNKNOWN = -1.0
"""The distance, in metres, of what has none: what is behind the eyes nobody sees, and nothing agrees with."""

_SMALLEST = 16
"""With fewer pixels across or down there is nothing to compare."""
_COARSE_WIDTH = 80
_BLOCK, _SMALL_STEP, _LARGE_STEP = 3, 8 * 3**2, 32 * 3**2
"""What is compared around a pixel, and what it costs that a neighbour's disparity is another one, by one or by more."""
_SURE = 10
"""By how many hundredths the best disparity must cost less than any other."""
_GREYS = 128, 50
"""Mean and standard deviation that both pictures are given, for cameras differ in exposure."""
_LIKE = 25
"""How far those greys may differ at places that are taken for the same."""
_SAME = 1.0
"""How many pixels both eyes may disagree on a disparity."""
_OUTLIERS = 0.5
"""Per cent of the pixels at either end that do not count for the range of a pair's disparities."""
_FEWEST = 0.25
"""The share of pixels with a match below which the pictures are taken for those of different things."""
_SPECKLE = 30
"""Patches of fewer pixels that lie apart from what surrounds them are mistakes."""

_INFINITY = 0.4
"""Eyes as `nominal_eyes` are turned so that what is endlessly far away is at minus this disparity: all are in front."""


def nominal_eyes() -> tuple[EyeView, EyeView]:
    """Parallel eyes that see distances of `laid_out` at the disparities which these stand for.

    Nobody knows how a pair was taken, and for what both pictures have in common it does not matter.
    """
    left, right = stereo_views(Pose((0.0, 0.0, 0.0)), (1, 1))
    return _sheared(left, _INFINITY), _sheared(right, -_INFINITY)


def _sheared(view: EyeView, share: float) -> EyeView:
    projection_44 = np.array(view.projection_44)
    projection_44[0, 2] = share
    return replace(view, projection_44=projection_44)


def match(rgb_EHWC: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Floats:
    """The disparities (2, h, w) of two pictures, top row first, w at most `WIDTH`, of the pictures' shape.

    Semi-global matching (Hirschmueller 2008) from either side; what the two sides do not agree on is not known, and so
    is what only one eye sees. Pictures of different exposure may be compared, and the rows of both must be the same.
    """
    height, width = rgb_EHWC[0].shape[:2]
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    greys = [_comparable(rgb_HWC, size) for rgb_HWC in rgb_EHWC]
    searched = _range(greys) if min(size) >= _SMALLEST else None
    if searched is None:
        return np.full((2, size[1], size[0]), np.nan, np.float32)
    return _found(greys, searched) / np.float32(size[0])


def laid_out(
    disparity_Ehw: Floats, net_size: Size, frame_size: Size, content: tuple[int, int, int, int] | None
) -> Floats:
    """The distances (2, H, W) in metres, top row first, of the pixels under the texels of a picture for the network.

    For `nominal_eyes`; `UNKNOWN` where nothing is known. `content` is where the pictures that were compared stand in a
    frame of `frame_size` (`GlFrame.content`), of which the picture for the network shows all.
    """
    x, y, wide, high = content or (0, 0, *frame_size)
    height, width = disparity_Ehw.shape[1:]
    columns = ((np.arange(net_size[0]) + 0.5) * frame_size[0] / net_size[0] - x) / wide
    rows = ((np.arange(net_size[1]) + 0.5) * frame_size[1] / net_size[1] - (frame_size[1] - y - high)) / high
    inside = ((rows >= 0) & (rows < 1))[:, None] & ((columns >= 0) & (columns < 1))
    there = np.ix_(
        (rows * height).astype(np.intp).clip(0, height - 1), (columns * width).astype(np.intp).clip(0, width - 1)
    )
    share = np.float32(wide / frame_size[0])
    left, right = (each_hw[there] * share for each_hw in disparity_Ehw)
    # Of eyes a baseline B apart with a projection P, what is at a distance w is P00 B / 2w of the width further left.
    whole = nominal_eyes()[0].projection_44[0, 0] * np.float32(EYE_DISTANCE / 2)
    return np.stack(
        [
            np.where(inside & np.isfinite(each), whole / (each + np.float32(_INFINITY)), UNKNOWN)
            for each in (left, right)
        ]
    ).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Range:
    """So many disparities from the least one on, in pixels."""

    least: int
    count: int

    @classmethod
    def around(cls, least: float, most: float) -> "_Range":
        """The matcher takes them by sixteen."""
        start = int(np.floor(least))
        return cls(start, max(1, int(np.ceil((most - start + 1) / 16))) * 16)


def _comparable(rgb_HWC: NDArray[np.uint8], size: Size) -> Grey:
    grey_hw = cv2.resize(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey_hw))
    gain = _GREYS[1] / max(deviation, 1.0)
    return np.asarray(cv2.addWeighted(grey_hw, gain, grey_hw, 0, _GREYS[0] - gain * mean), np.uint8)


def _range(greys: Sequence[Grey]) -> _Range | None:
    """Which disparities a pair has, from a coarse look at all there may be; None where it seems to be none."""
    height, width = greys[0].shape
    scale = min(1.0, _COARSE_WIDTH / width)
    size = round(width * scale), max(1, round(height * scale))
    coarse = [np.asarray(cv2.resize(grey_hw, size, interpolation=cv2.INTER_AREA), np.uint8) for grey_hw in greys]
    found_hw = _found(coarse, _Range.around(LEAST * size[0], MOST * size[0] - 1))[0]
    known = found_hw[np.isfinite(found_hw)]
    if len(known) < _FEWEST * found_hw.size:
        return None
    least, most = np.percentile(known, [_OUTLIERS, 100 - _OUTLIERS])
    return _Range.around((least - 1) / scale, (most + 1) / scale)


def _found(greys: Sequence[Grey], searched: _Range) -> Floats:
    """The disparities of both pictures (2, h, w) in pixels."""
    left, right = greys
    by_left = _compared(left, right, searched)
    # Seen in a mirror, the right eye is the left one.
    by_right = _mirrored(_compared(_mirrored(right), _mirrored(left), searched))
    known_left = _agreed(by_left, by_right, left, right, 1)
    known_right = _agreed(by_right, by_left, right, left, -1)
    return np.stack([_without_speckles(by_left, known_left), _without_speckles(by_right, known_right)])


def _mirrored(picture_hw: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(picture_hw[:, ::-1])


def _compared(one_hw: Grey, other_hw: Grey, searched: _Range) -> Floats:
    """How far to the left each pixel of one picture lies in the other, in pixels."""
    least, most = searched.least, searched.least + searched.count
    # What the range does not fit into is left out by the matcher: with margins, everything fits.
    before, after = max(most, 0), max(-least, 0)
    one, other = (np.pad(grey_hw, ((0, 0), (before, after)), "edge") for grey_hw in (one_hw, other_hw))
    matcher = cv2.StereoSGBM.create(
        least, searched.count, _BLOCK, _SMALL_STEP, _LARGE_STEP, disp12MaxDiff=-1, preFilterCap=31,
        uniquenessRatio=_SURE, mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )  # fmt: skip
    found = matcher.compute(one, other)[:, before : before + one_hw.shape[1]].astype(np.float32) / np.float32(16)
    found[found < least] = np.nan  # what the matcher was not sure of
    return np.asarray(found, np.float32)


def _agreed(one: Floats, other: Floats, one_grey: Grey, other_grey: Grey, sign: int) -> NDArray[np.bool_]:
    """Where the other side's disparity at the place where a pixel lies is the pixel's own, and both look alike."""
    height, width = one.shape
    column, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    place = np.where(np.isfinite(one), column - sign * one, np.float32(-1))
    there = cv2.remap(other, place, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan)
    grey_there = cv2.remap(other_grey, place, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alike = cv2.absdiff(grey_there, one_grey) <= _LIKE
    return np.asarray((place >= 0) & (place <= width - 1) & (np.abs(there - one) <= _SAME) & alike)


def _without_speckles(found: Floats, known: NDArray[np.bool_]) -> Floats:
    nothing = -(2**14)
    steps = np.where(known, found * 16, nothing).astype(np.int16)
    cv2.filterSpeckles(steps, nothing, _SPECKLE, 16)
    return np.where(steps == nothing, np.float32(np.nan), found)
