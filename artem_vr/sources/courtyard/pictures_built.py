"""What is laid and built: plaster, stone and tiles as pictures (size, size, 3), sRGB in [0, 1], lower edge first."""

import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard.noise import (
    TAU,
    Colors,
    cells,
    color_of,
    coordinates,
    fractal_noise,
    mix,
    shade,
    smoothstep,
)


def plaster(size: int, rng: np.random.Generator) -> Colors:
    """Mottled lime plaster."""
    broad = fractal_noise(size, (3, 3), rng, 4)
    fine = fractal_noise(size, (24, 24), rng, 4, 0.7)
    trowel = fractal_noise(size, (6, 20), rng, 4)
    value = 0.93 + 0.055 * broad + 0.02 * fine + shade(trowel, 0.10) * 0.6
    picture = mix(color_of((1, 1, 1), value), color_of((1.0, 0.92, 0.82), value * 0.94), smoothstep(0.0, 0.8, broad))
    patches = smoothstep(0.55, 0.66, fractal_noise(size, (4, 4), rng, 5))
    return mix(picture, color_of((1.02, 0.97, 0.92), value * 0.90), patches * 0.7)


def flagstone(size: int, rng: np.random.Generator) -> Colors:
    """Irregular slabs with mossy joints."""
    inside, owner = cells(size, (6, 5), rng, 0.85)
    grain = fractal_noise(size, (10, 10), rng, 5, 0.65)
    edge = inside + fractal_noise(size, (16, 16), rng, 2) * 0.025
    face, core = smoothstep(0.035, 0.075, edge), smoothstep(0.05, 0.22, edge)
    tone = rng.uniform(0.70, 1.04, 30).astype(np.float32)[owner]
    hue = np.array([(1.0, 0.91, 0.76), (0.98, 0.82, 0.64), (0.88, 0.86, 0.80), (1.0, 0.76, 0.56)], np.float32)
    base = hue[rng.integers(0, 4, 30)[owner]] * tone[..., None]
    relief = 0.22 * shade(core + grain * 0.08, 0.5)
    stone = base * (0.90 + 0.10 * core + 0.08 * grain + relief)[..., None]
    moss = smoothstep(0.0, 0.5, fractal_noise(size, (5, 5), rng, 3))
    joint = mix(color_of((0.50, 0.39, 0.29), 1 + 0.2 * grain), color_of((0.44, 0.46, 0.24), 1 + 0.3 * grain), moss)
    return mix(joint, stone, face)


def terracotta(size: int, rng: np.random.Generator) -> Colors:
    """Tiles laid two by two."""
    u, v = coordinates(size)
    n = 4
    # Bricks in herringbone: read as pairs of tiles, alternately lying and standing.
    cx, cy = np.floor(u * n).astype(int), np.floor(v * n).astype(int)
    fu, fv = u * n - cx, v * n - cy
    lying = (cx + cy) % 2 == 0
    across = np.where(lying, fv, fu)
    half = (across * 2).astype(int)
    edge = np.minimum(np.minimum(fu, 1 - fu), np.minimum(fv, 1 - fv))
    edge = np.minimum(edge, np.abs(across - 0.5))
    face = smoothstep(0.015, 0.05, edge.astype(np.float32))
    tone = rng.uniform(0.78, 1.08, (n, n, 2)).astype(np.float32)[cy, cx, half]
    grain = fractal_noise(size, (12, 12), rng, 4, 0.7)
    tile = color_of((0.86, 0.52, 0.35), tone * (0.97 + 0.07 * grain + 0.25 * shade(face, 0.4)))
    return mix(color_of((0.62, 0.50, 0.40), 1 + 0.1 * grain), tile, face)


def mosaic(size: int, rng: np.random.Generator) -> Colors:
    """One u repeat is a petal of the ring around the fountain; v runs outwards."""
    u, v = coordinates(size)
    n = 24
    jitter = rng.uniform(0.84, 1.08, (n, n)).astype(np.float32)
    cx, cy = np.floor(u * n).astype(int), np.floor(v * n).astype(int)
    x, y = np.abs((cx + 0.5) / n - 0.5), (cy + 0.5) / n

    def petal(width: float, low: float, high: float) -> NDArray[np.bool_]:
        along = np.clip((y - low) / (high - low), 0, 1)
        return np.asarray(x < width * np.sin(np.pi * along**0.7) * (along > 0) * (along < 1))

    color = np.broadcast_to(np.array((0.97, 0.90, 0.74), np.float32), (size, size, 3)).copy()
    color[(x + 0.55 * np.abs(y - 0.86) * 2 > 0.42) & (y > 0.62)] = (0.30, 0.60, 0.62)
    for width, low, high, tint in (
        (0.44, 0.10, 0.92, (0.98, 0.93, 0.82)), (0.37, 0.14, 0.86, (0.13, 0.36, 0.66)),
        (0.23, 0.22, 0.72, (0.98, 0.70, 0.20)),
        (0.11, 0.30, 0.58, (0.80, 0.24, 0.16)),
    ):  # fmt: skip
        color[petal(width, low, high)] = tint
    color[(y < 0.08) | (y > 0.92)] = (0.74, 0.26, 0.18)
    edge = np.minimum(np.minimum(u * n - cx, 1 - (u * n - cx)), np.minimum(v * n - cy, 1 - (v * n - cy)))
    face = smoothstep(0.04, 0.16, edge.astype(np.float32))
    return mix(color_of((0.60, 0.54, 0.46), np.ones_like(u)), color * jitter[cy, cx][..., None], face)


def stone(size: int, rng: np.random.Generator) -> Colors:
    """Limestone with pits and weather streaks."""
    broad = fractal_noise(size, (4, 4), rng, 5)
    pits = smoothstep(0.35, 0.9, fractal_noise(size, (26, 34), rng, 3))
    value = 0.94 + 0.06 * broad - 0.10 * pits + 0.3 * shade(broad, 0.22)
    picture = mix(color_of((1, 1, 1), value), color_of((1.0, 0.90, 0.76), value * 0.95), smoothstep(-0.2, 0.9, broad))
    streaks = smoothstep(0.1, 0.8, fractal_noise(size, (2, 9), rng, 4))
    return mix(picture, color_of((0.86, 0.84, 0.78), value * 0.92), streaks * 0.45)


def ashlar(size: int, rng: np.random.Generator) -> Colors:
    """Courses of cut blocks."""
    u, v = coordinates(size)
    rows, columns = 6, 4
    cy = np.floor(v * rows).astype(int)
    shifted = u + (cy % 2) * 0.5 / columns + 0.06 * np.sin(cy * 2.4)
    cx = np.floor(shifted * columns).astype(int) % columns
    fu, fv = shifted * columns % 1, v * rows % 1
    edge = np.minimum(np.minimum(fu, 1 - fu) * rows / columns, np.minimum(fv, 1 - fv)).astype(np.float32)
    rough = fractal_noise(size, (14, 14), rng, 4)
    face = smoothstep(0.02, 0.09, edge + rough * 0.02)
    tone = rng.uniform(0.80, 1.05, (rows, columns)).astype(np.float32)[cy, cx]
    block = color_of((0.96, 0.90, 0.80), tone * (0.96 + 0.09 * rough + 0.5 * shade(face + rough * 0.1, 0.25)))
    return mix(color_of((0.60, 0.52, 0.44), 1 + 0.1 * rough), block, face)


def roof(size: int, rng: np.random.Generator) -> Colors:
    """Rows of tiles along v, columns along u (three of each; u crosses the barrels)."""
    u, v = coordinates(size)
    n = 4
    column, row = np.floor(u * n + 0.5).astype(int) % n, np.floor(v * n).astype(int)
    fv = v * n - row
    tone = rng.uniform(0.72, 1.12, (n, n)).astype(np.float32)[row, column]
    shadow = smoothstep(0.0, 0.22, 1 - fv) * 0.55 + 0.45
    lip = 1 + 0.16 * smoothstep(0.6, 0.85, fv.astype(np.float32))
    valley = 0.62 + 0.38 * np.abs(np.cos(u * n * np.pi)) ** 0.5
    grain = fractal_noise(size, (12, 12), rng, 4, 0.7)
    value = tone * shadow * lip * valley * (0.98 + 0.1 * grain)
    lichen = smoothstep(0.5, 0.7, fractal_noise(size, (7, 7), rng, 4))
    return mix(color_of((1.0, 0.97, 0.93), value), color_of((1.0, 1.12, 0.95), value * 0.92), lichen)


def azulejo(size: int, rng: np.random.Generator) -> Colors:
    """Four painted tiles: a star with petals, white, blue and yellow."""
    u, v = coordinates(size)
    x, y = u * 2 % 1 - 0.5, v * 2 % 1 - 0.5
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    white, deep, pale, yellow = (0.97, 0.96, 0.92), (0.10, 0.26, 0.62), (0.42, 0.66, 0.88), (0.98, 0.74, 0.22)
    picture = np.broadcast_to(np.array(white, np.float32), (size, size, 3))
    soft = 2.5 / size

    def put(picture: Colors, color: tuple[float, float, float], inside: NDArray[np.float32]) -> Colors:
        cover = smoothstep(-soft * 2, soft * 2, inside.astype(np.float32))
        return mix(picture, np.broadcast_to(np.array(color, np.float32), picture.shape), cover)

    corner = np.hypot(np.abs(x) - 0.5, np.abs(y) - 0.5)
    picture = put(picture, deep, 0.30 - corner)
    picture = put(picture, white, 0.24 - corner)
    picture = put(picture, yellow, 0.17 - corner)
    picture = put(picture, deep, 0.08 - corner)
    picture = put(picture, deep, 0.30 + 0.11 * np.cos(angle * 4) - r)
    picture = put(picture, pale, 0.24 + 0.10 * np.cos(angle * 4) - r)
    picture = put(picture, white, 0.15 + 0.05 * np.cos(angle * 4) - r)
    picture = put(picture, yellow, 0.09 - r)
    edge = 0.5 - np.maximum(np.abs(x), np.abs(y))
    picture = mix(
        color_of((0.72, 0.70, 0.66), np.ones_like(u)), picture, smoothstep(0.004, 0.016, edge.astype(np.float32))
    )
    tone = 0.97 + 0.05 * fractal_noise(size, (6, 6), rng, 3)
    return (picture * tone[..., None]).astype(np.float32)


def facade(size: int, rng: np.random.Generator) -> Colors:
    """Two storeys of two windows, with shutters."""
    u, v = coordinates(size)
    tone = 0.95 + 0.06 * fractal_noise(size, (4, 4), rng, 4)
    picture = color_of((1, 1, 1), tone)
    x, y = np.abs(u * 2 % 1 - 0.5), v * 2 % 1
    shutters = (x < 0.27) & (y > 0.32) & (y < 0.72)
    glass = (x < 0.13) & (y > 0.32) & (y < 0.72)
    frame = (x < 0.29) & (y > 0.29) & (y < 0.76)
    picture[frame] *= (0.96, 0.90, 0.80)
    picture[shutters] = np.where((np.sin(y * TAU * 14) > 0)[shutters, None], (0.22, 0.46, 0.52), (0.16, 0.36, 0.42))
    picture[glass] = (0.20, 0.22, 0.30)
    picture[v % 0.5 < 0.02] *= 0.82
    return picture
