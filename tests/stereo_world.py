"""Stereo pairs of textured planes, whose disparities are known for every pixel of either picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


def texture(seed: int, height: int, width: int, softness: float = 1.2) -> Image:
    """Coloured cloth: random, and with no detail finer than two or three pixels, or so many times `softness`."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), softness)
    return np.asarray((128 + 45 * soft / max(float(soft.std()), 1e-6)).clip(0, 255), np.uint8)


@dataclass(frozen=True)
class Pair:
    """Two pictures (2, H, W, 3), the disparities (2, H, W) in pixels of each, and what the other one sees, too."""

    rgb_EHWC: Image
    disparity_EHW: Floats
    seen_EHW: NDArray[np.bool_]


def planes(
    size: tuple[int, int],
    far: float,
    near: float | None = None,
    slope: float = 0.0,
    square: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Pair:
    """A wall of `far` pixels' disparity in its left column, and `slope` more with each column; before it a square.

    `square` is (x, y, width, height) in the left picture, at `near` pixels. Pictures have `size` (width, height).
    """
    width, height = size
    margin = width // 2
    wall, cloth = texture(1, height, 2 * width), texture(2, height, 2 * width)
    column, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y, across, down = square

    def at(picture: Image, place: Floats) -> Image:
        return np.asarray(cv2.remap(picture, place + margin, row, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))

    pictures, disparities = [], []
    for eye in (0, 1):
        # Where what is seen here lies in the left picture: x - d(x) = x' for the right one.
        on_wall = (column + far) / (1 - slope) if eye else column
        on_square = column + (near or 0) if eye else column
        hides = (on_square >= x) & (on_square < x + across) & (row >= y) & (row < y + down)
        pictures.append(np.where(hides[..., None], at(cloth, on_square), at(wall, on_wall)))
        disparities.append(np.where(hides, near or 0, far + slope * on_wall).astype(np.float32))
    seen = []
    for eye, sign in ((0, 1), (1, -1)):
        there = column - sign * disparities[eye]
        inside = (there >= 0) & (there <= width - 1)
        other = cv2.remap(disparities[1 - eye], there, row, cv2.INTER_NEAREST)
        seen.append(inside & (np.abs(other - disparities[eye]) < 1))
    return Pair(np.stack(pictures), np.stack(disparities), np.stack(seen))
