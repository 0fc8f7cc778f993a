"""A warping error in pixels: how far a picture itself would have to be shifted to make it."""

import math

import numpy as np
from numpy.typing import NDArray

from trainer.comfort.correspondence import Picture

SHIFTS = np.array([0, 0.125, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32])
"""The shifts, in pixels, at which a picture is compared with itself."""

Structure = NDArray[np.float64]
"""The mean absolute difference between a picture and itself, one for each of `SHIFTS`."""


def structure(picture_HWC: Picture, seen_HW: NDArray[np.bool_] | None = None) -> Structure:
    """What shifting this picture by each of `SHIFTS` changes, sideways and up or down: its structure function S.

    For a small shift r it is r times the mean gradient magnitude along the way. With `seen_HW` over those pixels alone.
    Shifts between pixels are interpolated cubically (Keys 1981), since a linear one would blur the picture and count
    that, too.
    """
    seen_HW = np.ones(picture_HWC.shape[:2], np.bool_) if seen_HW is None else seen_HW
    ways = [(picture_HWC, seen_HW), (picture_HWC.swapaxes(0, 1), seen_HW.T)]
    found = np.zeros(len(SHIFTS))
    for number, shift in enumerate(SHIFTS[1:], 1):
        differences = [_difference(picture, seen, float(shift)) for picture, seen in ways]
        known = [difference for difference in differences if difference is not None]
        # Beyond the picture's size, or where nothing is left of it, the curve goes on level.
        found[number] = np.mean(known) if known else found[number - 1]
    return np.maximum.accumulate(found)


def misalignment(error: float, curve: Structure) -> float:
    """The shift d in pixels for which S(d) is this error; the largest of `SHIFTS` where no shift makes as much.

    Blur makes errors smaller, and S as well, so that it does not win; an error without structure, such as flicker,
    is the worse the less structure there is to hide it. Not a number for an error that is none.
    """
    if not np.isfinite(error):
        return float("nan")
    if error <= 0:
        return 0.0
    if error >= curve[-1]:
        return float(SHIFTS[-1])
    above = int(np.searchsorted(curve, error, side="right"))
    low, high = curve[above - 1], curve[above]
    return float(SHIFTS[above - 1] + (SHIFTS[above] - SHIFTS[above - 1]) * (error - low) / (high - low))


def _difference(picture_HWC: Picture, seen_HW: NDArray[np.bool_], shift: float) -> float | None:
    """Between the picture and itself, moved down by `shift` rows, where both ends of the way are seen."""
    height, whole = len(picture_HWC), math.floor(shift)
    taps = _taps(shift - whole)
    first, last = whole + taps.stop - 1, height - 1 + min(0, whole + taps.start)
    if first > last:
        return None
    there = range(first, last + 1)
    moved = sum(
        np.float32(weight) * picture_HWC[there.start - whole - tap : there.stop - whole - tap]
        for tap, weight in zip(taps, _weights(shift - whole), strict=True)
    )
    both = seen_HW[there.start : there.stop] & seen_HW[there.start - whole : there.stop - whole]
    if not both.any():
        return None
    return float(np.abs(picture_HWC[there.start : there.stop] - moved)[both].mean())


def _taps(fraction: float) -> range:
    """How many rows above the whole-numbered place those lie that are mixed for one `fraction` of a row above it."""
    return range(-1, 3) if fraction else range(1)


def _weights(t: float) -> tuple[float, ...]:
    """The cubic convolution kernel with a = -1/2, which moves slopes and bends exactly."""
    if not t:
        return (1.0,)
    return (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
