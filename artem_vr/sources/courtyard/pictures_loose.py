"""What grows, flows or was made by hand: foliage, water, wood and cloth as pictures (size, size, 3), sRGB in [0, 1]."""

import cv2
import numpy as np

from artem_vr.sources.courtyard.noise import (
    TAU,
    Colors,
    Picture,
    cell_borders,
    color_of,
    coordinates,
    fractal_noise,
    mix,
    shade,
    smooth_noise,
    smoothstep,
)


def wood(size: int, rng: np.random.Generator) -> Colors:
    """Boards along v."""
    u, _ = coordinates(size)
    boards = 5
    number = np.floor(u * boards).astype(int)
    streaks = fractal_noise(size, (2, 40), rng, 4, 0.75)
    grain = fractal_noise(size, (3, 14), rng, 3)
    tone = rng.uniform(0.84, 1.08, boards).astype(np.float32)[number]
    fu = u * boards - number
    gap = smoothstep(0.02, 0.08, np.minimum(fu, 1 - fu).astype(np.float32))
    value = tone * (0.93 + 0.12 * streaks + 0.08 * grain) * (0.42 + 0.58 * gap)
    return color_of((1.0, 0.97, 0.92), value)


def _scattered_leaves(size: int, rng: np.random.Generator, count: int, length: int) -> Picture:
    """Overlapping leaf strokes, later ones brighter: a grey picture that tiles."""
    canvas = np.full((size, size), 0.40, np.float32)
    for i in range(count):
        x, y = rng.integers(0, size, 2)
        angle = rng.uniform(0, 360)
        tone = 0.45 + 0.62 * (i / count) ** 0.8 + rng.uniform(-0.1, 0.1)
        axes = (int(length * rng.uniform(0.7, 1.2)), int(length * rng.uniform(0.3, 0.42)))
        for ox in (-size, 0, size):
            for oy in (-size, 0, size):
                if -length * 2 < x + ox < size + length * 2 and -length * 2 < y + oy < size + length * 2:
                    center = (int(x + ox), int(y + oy))
                    cv2.ellipse(canvas, center, axes, angle, 0, 360, tone * 0.86, -1, cv2.LINE_AA)
                    cv2.ellipse(canvas, center, axes, angle, 0, 180, tone, -1, cv2.LINE_AA)
    return canvas


def foliage(size: int, rng: np.random.Generator) -> Colors:
    """Leaves upon leaves."""
    leaves = _scattered_leaves(size, rng, 620, size // 20)
    warm = smooth_noise(size, (5, 5), rng)
    return mix(color_of((0.88, 1.0, 0.80), leaves), color_of((1.12, 1.02, 0.62), leaves), warm)


def water(size: int, rng: np.random.Generator) -> Colors:
    """Light in ripples."""
    inside, fine = cell_borders(size, (5, 5), rng), cell_borders(size, (9, 9), rng)
    light = smoothstep(0.16, 0.0, inside) * 0.7 + smoothstep(0.14, 0.0, fine) * 0.35
    body = fractal_noise(size, (4, 4), rng, 3)
    return mix(
        color_of((0.20, 0.52, 0.60), 1 + 0.18 * body), color_of((0.80, 0.97, 0.95), np.ones_like(light)), light * 0.75
    )


def stripes(size: int, rng: np.random.Generator) -> Colors:
    """Red and white awning cloth."""
    u, v = coordinates(size)
    band = smoothstep(0.49, 0.51, np.abs((u * 2) % 1 - 0.5) * 2)
    weave = 1 + 0.03 * np.sin(v * TAU * 64) * np.sin(u * TAU * 64) + 0.04 * fractal_noise(size, (3, 8), rng, 4)
    return mix(color_of((0.90, 0.20, 0.16), weave), color_of((0.99, 0.95, 0.86), weave), band)


def hill(size: int, rng: np.random.Generator) -> Colors:
    """Grass and rock in soft bands, dotted with round shrubs."""
    broad = fractal_noise(size, (4, 4), rng, 5)
    _, v = coordinates(size)
    bands = np.sin((v * 5 + 0.13 * broad) * TAU)
    picture = color_of((1.0, 1.0, 1.0), 0.92 + 0.08 * broad + 0.06 * bands)
    picture = mix(picture, color_of((0.84, 0.70, 0.54), 0.95 + 0.1 * broad), smoothstep(0.86, 0.97, bands))
    shrubs = cell_borders(size, (16, 16), rng)
    there = smoothstep(0.42, 0.58, shrubs) * smoothstep(-0.1, 0.1, fractal_noise(size, (5, 5), rng, 2))
    lit = 0.85 + 0.5 * shade(shrubs, 0.12)
    return mix(picture, color_of((0.46, 0.60, 0.36), lit), there)


def slats(size: int, rng: np.random.Generator) -> Colors:
    """The slats of two shutters."""
    u, v = coordinates(size)
    f = v * 8 % 1
    value = 0.62 + 0.42 * f + 0.05 * fractal_noise(size, (2, 20), rng, 3)
    frame = np.minimum(u % 0.5, 0.5 - u % 0.5) < 0.05
    return color_of((1.0, 1.0, 1.0), np.where(frame, 0.98, value).astype(np.float32))


def cloth(size: int, rng: np.random.Generator) -> Colors:
    """A blue and white check, as on a table in a village."""
    u, v = coordinates(size)
    a = smoothstep(0.48, 0.52, np.abs(u * 2 % 1 - 0.5) * 2)
    b = smoothstep(0.48, 0.52, np.abs(v * 2 % 1 - 0.5) * 2)
    share = (a + b) / 2
    weave = 1 + 0.03 * fractal_noise(size, (16, 16), rng, 4)
    return mix(color_of((0.98, 0.95, 0.88), weave), color_of((0.24, 0.46, 0.78), weave), share)


def pot(size: int, rng: np.random.Generator) -> Colors:
    """Thrown clay."""
    _, v = coordinates(size)
    rings = np.sin(v * TAU * 7 + fractal_noise(size, (2, 3), rng, 2))
    stain = smoothstep(0.25, 0.75, fractal_noise(size, (5, 3), rng, 4))
    value = 0.92 + 0.06 * rings + 0.08 * fractal_noise(size, (9, 9), rng, 4)
    return mix(color_of((1, 1, 1), value), color_of((1.06, 1.02, 1.0), value * 1.05), stain)


def skin(size: int, rng: np.random.Generator) -> Colors:
    """Almost nothing: a smooth thing."""
    return color_of((1.0, 1.0, 1.0), 0.95 + 0.05 * fractal_noise(size, (8, 8), rng, 4))


def stream(size: int, rng: np.random.Generator) -> Colors:
    """Falling water, streaked along v."""
    streaks = fractal_noise(size, (3, 10), rng, 4, 0.7)
    foam = smoothstep(0.0, 0.5, streaks)
    return mix(color_of((0.62, 0.84, 0.90), np.ones_like(foam)), color_of((1.0, 1.0, 1.0), np.ones_like(foam)), foam)
