"""The sizes that the network may be given for an eye."""

import math
from collections.abc import Sequence

from artem_vr.errors import UsageError
from artem_vr.frame import Size

_STEP = 1.4
"""How many times the pixels from one rung to the next: what is seen, and worth compiling for."""
_SMALLEST_PIXELS = 160 * 176
"""Of one eye. With less, strokes are blocks."""
_MULTIPLE, _SHORTEST_SIDE = 16, 32


def size_ladder(eye_size: Size, smallest_pixels: int = _SMALLEST_PIXELS) -> list[Size]:
    """Sizes (width, height) of the eye's shape, from about `smallest_pixels` up to the eye's own, smallest first.

    Each has about 1.4 times the pixels of the one before, and sides that are multiples of 16 and at least 32. An eye
    that is smaller than the smallest has one rung, its own. Raises `UsageError` for sizes without a pixel.
    """
    width, height = eye_size
    if min(width, height, smallest_pixels) < 1:
        raise UsageError(f"an eye of {width}x{height} holds no picture: choose a larger --size")
    factor = max(1.0, width * height / smallest_pixels)
    steps = round(math.log(factor) / math.log(_STEP))
    scales = [factor ** ((step - steps) / (2 * steps)) if steps else 1.0 for step in range(steps + 1)]
    ladder: list[Size] = []
    for scale in scales:
        size = _rounded(width * scale), _rounded(height * scale)
        if not ladder or pixel_count(size) > pixel_count(ladder[-1]):
            ladder.append(size)
    return ladder


def nearest_rung(sizes: Sequence[Size], size: Size) -> int:
    """The place of the one with the most similar number of pixels, by ratio."""
    return min(range(len(sizes)), key=lambda rung: abs(math.log(pixel_count(sizes[rung]) / max(1, pixel_count(size)))))


def pixel_count(size: Size) -> int:
    """Width times height."""
    return size[0] * size[1]


def _rounded(side: float) -> int:
    return max(_SHORTEST_SIDE, round(side / _MULTIPLE) * _MULTIPLE)
