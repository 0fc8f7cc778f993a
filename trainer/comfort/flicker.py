"""How much a still view flickers: what sensor noise makes of the picture that is shown."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NOISE = 4 / 255
"""The standard deviation of a camera's noise, of [0, 1]: about that of a webcam indoors."""


def with_noise(rgb_EHWC: NDArray[np.uint8], random: np.random.Generator, sigma: float = NOISE) -> NDArray[np.uint8]:
    """The picture with Gaussian noise, new and independent in each byte."""
    noisy = rgb_EHWC + random.standard_normal(rgb_EHWC.shape, np.float32) * np.float32(255 * sigma)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def temporal_deviation(frames_THWC: Sequence[NDArray[np.uint8]]) -> float:
    """The standard deviation over time of each byte, of [0, 1], in the mean over all of them.

    Raises `ValueError` for less than two frames.
    """
    if len(frames_THWC) < 2:
        raise ValueError("one frame alone does not flicker")
    first = frames_THWC[0].astype(np.float64)
    total, squares = np.zeros_like(first), np.zeros_like(first)
    for frame in frames_THWC:
        change = frame - first  # small numbers, whose squares lose nothing
        total += change
        squares += change * change
    count = len(frames_THWC)
    variance = (squares - total * total / count) / (count - 1)
    return float(np.sqrt(np.maximum(variance, 0)).mean() / 255)


def flicker_gain(shown_THWC: Sequence[NDArray[np.uint8]], source_THWC: Sequence[NDArray[np.uint8]]) -> float:
    """How many times as much what is shown deviates over time as its source does."""
    return temporal_deviation(shown_THWC) / temporal_deviation(source_THWC)
