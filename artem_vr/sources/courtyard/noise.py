"""The raw material of the textures: tiling noise, float32 (size, size) that repeats seamlessly, and colours to mix."""

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.float32]
Colors = NDArray[np.float32]
_PAD = 2


def smooth_noise(size: int, cells: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Value noise in [0, 1] with (down, across) random values a picture."""
    lattice = rng.random(cells, np.float32)
    padded = np.pad(lattice, _PAD, mode="wrap")
    step = (size / cells[0], size / cells[1])
    big = cv2.resize(
        padded,
        (round((cells[1] + 2 * _PAD) * step[1]), round((cells[0] + 2 * _PAD) * step[0])),
        interpolation=cv2.INTER_CUBIC,
    )
    top, left = round(_PAD * step[0]), round(_PAD * step[1])
    return big[top : top + size, left : left + size].astype(np.float32)


def fractal_noise(
    size: int, cells: tuple[int, int], rng: np.random.Generator, octaves: int = 5, gain: float = 0.55
) -> Picture:
    """Octaves of `smooth_noise`, each twice as fine and `gain` as strong: mean 0, about [-1, 1]."""
    total = np.zeros((size, size), np.float32)
    strength, reach = 1.0, 0.0
    for octave in range(octaves):
        fine = (min(size, cells[0] << octave), min(size, cells[1] << octave))
        total += strength * (smooth_noise(size, fine, rng) * 2 - 1)
        reach += strength
        strength *= gain
    return total / np.float32(reach * 0.62)


def cells(
    size: int, count: tuple[int, int], rng: np.random.Generator, jitter: float = 0.8
) -> tuple[Picture, NDArray[np.int32]]:
    """Irregular cells around jittered grid points (Worley 1996).

    Returns how far a pixel lies inside its cell (0 on the border, in cell widths) and the number of the cell.
    """
    down, across = count
    points = (rng.random((down, across, 2)) - 0.5) * jitter + 0.5
    y, x = np.meshgrid((np.arange(size) + 0.5) / size * down, (np.arange(size) + 0.5) / size * across, indexing="ij")
    iy, ix = y.astype(int), x.astype(int)
    best = np.full((2, size, size), 9.0, np.float32)
    owner = np.zeros((size, size), np.int32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            cy, cx = iy + dy, ix + dx
            wrapped = points[cy % down, cx % across]
            distance = np.hypot(cy + wrapped[..., 0] - y, cx + wrapped[..., 1] - x).astype(np.float32)
            nearer = distance < best[0]
            best[1] = np.where(nearer, best[0], np.minimum(best[1], distance))
            owner = np.where(nearer, (cy % down) * across + cx % across, owner)
            best[0] = np.where(nearer, distance, best[0])
    return best[1] - best[0], owner.astype(np.int32)


def cell_borders(size: int, count: tuple[int, int], rng: np.random.Generator) -> Picture:
    """The distances of `cells`, worked out at half the size: the jitter of their points is 0.92."""
    half, _ = cells(size // 2, count, rng, 0.92)
    return np.asarray(cv2.resize(half, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def smoothstep(low: float, high: float, value: ArrayLike) -> Picture:
    """0 below `low`, 1 above `high`, a cubic between."""
    t = np.clip((np.asarray(value, np.float32) - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def coordinates(size: int) -> tuple[Picture, Picture]:
    """(u, v) of the pixels' centres in [0, 1]; v grows with the row, so that row 0 is the lower edge in OpenGL."""
    axis = ((np.arange(size) + 0.5) / size).astype(np.float32)
    v, u = np.meshgrid(axis, axis, indexing="ij")
    return u, v


def shade(height: Picture, strength: float) -> Picture:
    """A relief's painted light: brighter where it rises towards the upper left; about [-1, 1] * strength."""
    slope = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) - (np.roll(height, -1, 0) - np.roll(height, 1, 0))
    return np.clip(-slope * strength * height.shape[0] / 128, -1, 1).astype(np.float32)


def color_of(rgb: tuple[float, float, float], value: ArrayLike = 1.0) -> Colors:
    """One colour, as bright as `value` (H, W) says: (H, W, 3)."""
    return (np.asarray(value, np.float32)[..., None] * np.asarray(rgb, np.float32)).astype(np.float32)


def mix(a: Colors, b: Colors, share: ArrayLike) -> Colors:
    """From picture a where `share` (H, W) is 0 to picture b where it is 1."""
    return (a + (b - a) * np.asarray(share, np.float32)[..., None]).astype(np.float32)


TAU = 2 * math.pi
