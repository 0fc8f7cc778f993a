"""The painted pictures of all materials: drawn by numpy at start-up, mipmapped, one texture array.

Row 0 of a picture is its lower edge (v = 0). Colours are sRGB in [0, 1]; plain materials are bright and get their
colour from the tint of the mesh.
"""

from collections.abc import Callable

import cv2
import moderngl
import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.sources.courtyard.noise import (
    TAU,
    Picture,
    cells,
    coordinates,
    fractal_noise,
    shade,
    smooth_noise,
    smoothstep,
)
from artem_vr.sources.courtyard.paint import Layer

SIZE = 512
Colors = NDArray[np.float32]
_Painter = Callable[[int, np.random.Generator], Colors]


def _color(rgb: tuple[float, float, float], value: ArrayLike = 1.0) -> Colors:
    return (np.asarray(value, np.float32)[..., None] * np.asarray(rgb, np.float32)).astype(np.float32)


def _mix(a: Colors, b: Colors, share: Picture) -> Colors:
    return (a + (b - a) * share[..., None]).astype(np.float32)


def _cell_borders(size: int, count: tuple[int, int], rng: np.random.Generator) -> Picture:
    """The distances of `cells`, worked out at half the size: the jitter of their points is 0.92."""
    half, _ = cells(size // 2, count, rng, 0.92)
    return np.asarray(cv2.resize(half, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _plaster(size: int, rng: np.random.Generator) -> Colors:
    broad = fractal_noise(size, (3, 3), rng, 4)
    fine = fractal_noise(size, (24, 24), rng, 4, 0.7)
    trowel = fractal_noise(size, (6, 20), rng, 4)
    value = 0.93 + 0.055 * broad + 0.02 * fine + shade(trowel, 0.10) * 0.6
    picture = _mix(_color((1, 1, 1), value), _color((1.0, 0.92, 0.82), value * 0.94), smoothstep(0.0, 0.8, broad))
    patches = smoothstep(0.55, 0.66, fractal_noise(size, (4, 4), rng, 5))
    return _mix(picture, _color((1.02, 0.97, 0.92), value * 0.90), patches * 0.7)


def _flagstone(size: int, rng: np.random.Generator) -> Colors:
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
    joint = _mix(_color((0.50, 0.39, 0.29), 1 + 0.2 * grain), _color((0.44, 0.46, 0.24), 1 + 0.3 * grain), moss)
    return _mix(joint, stone, face)


def _terracotta(size: int, rng: np.random.Generator) -> Colors:
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
    tile = _color((0.86, 0.52, 0.35), tone * (0.97 + 0.07 * grain + 0.25 * shade(face, 0.4)))
    return _mix(_color((0.62, 0.50, 0.40), 1 + 0.1 * grain), tile, face)


def _mosaic(size: int, rng: np.random.Generator) -> Colors:
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
        (0.44, 0.10, 0.92, (0.98, 0.93, 0.82)), (0.37, 0.14, 0.86, (0.13, 0.36, 0.66)), (0.23, 0.22, 0.72, (0.98, 0.70, 0.20)),
        (0.11, 0.30, 0.58, (0.80, 0.24, 0.16)),
    ):  # fmt: skip
        color[petal(width, low, high)] = tint
    color[(y < 0.08) | (y > 0.92)] = (0.74, 0.26, 0.18)
    edge = np.minimum(np.minimum(u * n - cx, 1 - (u * n - cx)), np.minimum(v * n - cy, 1 - (v * n - cy)))
    face = smoothstep(0.04, 0.16, edge.astype(np.float32))
    return _mix(_color((0.60, 0.54, 0.46), np.ones_like(u)), color * jitter[cy, cx][..., None], face)


def _stone(size: int, rng: np.random.Generator) -> Colors:
    broad = fractal_noise(size, (4, 4), rng, 5)
    pits = smoothstep(0.35, 0.9, fractal_noise(size, (26, 34), rng, 3))
    value = 0.94 + 0.06 * broad - 0.10 * pits + 0.3 * shade(broad, 0.22)
    picture = _mix(_color((1, 1, 1), value), _color((1.0, 0.90, 0.76), value * 0.95), smoothstep(-0.2, 0.9, broad))
    streaks = smoothstep(0.1, 0.8, fractal_noise(size, (2, 9), rng, 4))
    return _mix(picture, _color((0.86, 0.84, 0.78), value * 0.92), streaks * 0.45)


def _ashlar(size: int, rng: np.random.Generator) -> Colors:
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
    block = _color((0.96, 0.90, 0.80), tone * (0.96 + 0.09 * rough + 0.5 * shade(face + rough * 0.1, 0.25)))
    return _mix(_color((0.60, 0.52, 0.44), 1 + 0.1 * rough), block, face)


def _wood(size: int, rng: np.random.Generator) -> Colors:
    u, _ = coordinates(size)
    boards = 5
    number = np.floor(u * boards).astype(int)
    streaks = fractal_noise(size, (2, 40), rng, 4, 0.75)
    grain = fractal_noise(size, (3, 14), rng, 3)
    tone = rng.uniform(0.84, 1.08, boards).astype(np.float32)[number]
    fu = u * boards - number
    gap = smoothstep(0.02, 0.08, np.minimum(fu, 1 - fu).astype(np.float32))
    value = tone * (0.93 + 0.12 * streaks + 0.08 * grain) * (0.42 + 0.58 * gap)
    return _color((1.0, 0.97, 0.92), value)


def _roof(size: int, rng: np.random.Generator) -> Colors:
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
    return _mix(_color((1.0, 0.97, 0.93), value), _color((1.0, 1.12, 0.95), value * 0.92), lichen)


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


def _foliage(size: int, rng: np.random.Generator) -> Colors:
    leaves = _scattered_leaves(size, rng, 620, size // 20)
    warm = smooth_noise(size, (5, 5), rng)
    return _mix(_color((0.88, 1.0, 0.80), leaves), _color((1.12, 1.02, 0.62), leaves), warm)


def _azulejo(size: int, rng: np.random.Generator) -> Colors:
    """Four painted tiles: a star with petals, white, blue and yellow."""
    u, v = coordinates(size)
    x, y = u * 2 % 1 - 0.5, v * 2 % 1 - 0.5
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    white, deep, pale, yellow = (0.97, 0.96, 0.92), (0.10, 0.26, 0.62), (0.42, 0.66, 0.88), (0.98, 0.74, 0.22)
    picture = np.broadcast_to(np.array(white, np.float32), (size, size, 3))
    soft = 2.5 / size

    def put(picture: Colors, color: tuple[float, float, float], inside: NDArray[np.float32]) -> Colors:
        cover = smoothstep(-soft * 2, soft * 2, inside.astype(np.float32))
        return _mix(picture, np.broadcast_to(np.array(color, np.float32), picture.shape), cover)

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
    picture = _mix(
        _color((0.72, 0.70, 0.66), np.ones_like(u)), picture, smoothstep(0.004, 0.016, edge.astype(np.float32))
    )
    tone = 0.97 + 0.05 * fractal_noise(size, (6, 6), rng, 3)
    return (picture * tone[..., None]).astype(np.float32)


def _water(size: int, rng: np.random.Generator) -> Colors:
    inside, fine = _cell_borders(size, (5, 5), rng), _cell_borders(size, (9, 9), rng)
    light = smoothstep(0.16, 0.0, inside) * 0.7 + smoothstep(0.14, 0.0, fine) * 0.35
    body = fractal_noise(size, (4, 4), rng, 3)
    return _mix(
        _color((0.20, 0.52, 0.60), 1 + 0.18 * body), _color((0.80, 0.97, 0.95), np.ones_like(light)), light * 0.75
    )


def _stripes(size: int, rng: np.random.Generator) -> Colors:
    u, v = coordinates(size)
    band = smoothstep(0.49, 0.51, np.abs((u * 2) % 1 - 0.5) * 2)
    weave = 1 + 0.03 * np.sin(v * TAU * 64) * np.sin(u * TAU * 64) + 0.04 * fractal_noise(size, (3, 8), rng, 4)
    return _mix(_color((0.90, 0.20, 0.16), weave), _color((0.99, 0.95, 0.86), weave), band)


def _hill(size: int, rng: np.random.Generator) -> Colors:
    """Grass and rock in soft bands, dotted with round shrubs."""
    broad = fractal_noise(size, (4, 4), rng, 5)
    u, v = coordinates(size)
    bands = np.sin((v * 5 + 0.13 * broad) * TAU)
    picture = _color((1.0, 1.0, 1.0), 0.92 + 0.08 * broad + 0.06 * bands)
    picture = _mix(picture, _color((0.84, 0.70, 0.54), 0.95 + 0.1 * broad), smoothstep(0.86, 0.97, bands))
    shrubs = _cell_borders(size, (16, 16), rng)
    there = smoothstep(0.42, 0.58, shrubs) * smoothstep(-0.1, 0.1, fractal_noise(size, (5, 5), rng, 2))
    lit = 0.85 + 0.5 * shade(shrubs, 0.12)
    return _mix(picture, _color((0.46, 0.60, 0.36), lit), there)


def _facade(size: int, rng: np.random.Generator) -> Colors:
    """Two storeys of two windows, with shutters."""
    u, v = coordinates(size)
    tone = 0.95 + 0.06 * fractal_noise(size, (4, 4), rng, 4)
    picture = _color((1, 1, 1), tone)
    x, y = np.abs(u * 2 % 1 - 0.5), v * 2 % 1
    shutters = (x < 0.27) & (y > 0.32) & (y < 0.72)
    glass = (x < 0.13) & (y > 0.32) & (y < 0.72)
    frame = (x < 0.29) & (y > 0.29) & (y < 0.76)
    picture[frame] *= (0.96, 0.90, 0.80)
    picture[shutters] = np.where((np.sin(y * TAU * 14) > 0)[shutters, None], (0.22, 0.46, 0.52), (0.16, 0.36, 0.42))
    picture[glass] = (0.20, 0.22, 0.30)
    picture[v % 0.5 < 0.02] *= 0.82
    return picture


def _slats(size: int, rng: np.random.Generator) -> Colors:
    u, v = coordinates(size)
    f = v * 8 % 1
    value = 0.62 + 0.42 * f + 0.05 * fractal_noise(size, (2, 20), rng, 3)
    frame = np.minimum(u % 0.5, 0.5 - u % 0.5) < 0.05
    return _color((1.0, 1.0, 1.0), np.where(frame, 0.98, value).astype(np.float32))


def _cloth(size: int, rng: np.random.Generator) -> Colors:
    """A blue and white check, as on a table in a village."""
    u, v = coordinates(size)
    a = smoothstep(0.48, 0.52, np.abs(u * 2 % 1 - 0.5) * 2)
    b = smoothstep(0.48, 0.52, np.abs(v * 2 % 1 - 0.5) * 2)
    share = (a + b) / 2
    weave = 1 + 0.03 * fractal_noise(size, (16, 16), rng, 4)
    return _mix(_color((0.98, 0.95, 0.88), weave), _color((0.24, 0.46, 0.78), weave), share)


def _pot(size: int, rng: np.random.Generator) -> Colors:
    _, v = coordinates(size)
    rings = np.sin(v * TAU * 7 + fractal_noise(size, (2, 3), rng, 2))
    stain = smoothstep(0.25, 0.75, fractal_noise(size, (5, 3), rng, 4))
    value = 0.92 + 0.06 * rings + 0.08 * fractal_noise(size, (9, 9), rng, 4)
    return _mix(_color((1, 1, 1), value), _color((1.06, 1.02, 1.0), value * 1.05), stain)


def _skin(size: int, rng: np.random.Generator) -> Colors:
    return _color((1.0, 1.0, 1.0), 0.95 + 0.05 * fractal_noise(size, (8, 8), rng, 4))


def _stream(size: int, rng: np.random.Generator) -> Colors:
    streaks = fractal_noise(size, (3, 10), rng, 4, 0.7)
    foam = smoothstep(0.0, 0.5, streaks)
    return _mix(_color((0.62, 0.84, 0.90), np.ones_like(foam)), _color((1.0, 1.0, 1.0), np.ones_like(foam)), foam)


_PAINTERS: dict[Layer, _Painter] = {
    Layer.PLASTER: _plaster,
    Layer.FLAGSTONE: _flagstone,
    Layer.TERRACOTTA: _terracotta,
    Layer.MOSAIC: _mosaic,
    Layer.STONE: _stone,
    Layer.ASHLAR: _ashlar,
    Layer.WOOD: _wood,
    Layer.ROOF: _roof,
    Layer.FOLIAGE: _foliage,
    Layer.AZULEJO: _azulejo,
    Layer.WATER: _water,
    Layer.STRIPES: _stripes,
    Layer.HILL: _hill,
    Layer.FACADE: _facade,
    Layer.SLATS: _slats,
    Layer.CLOTH: _cloth,
    Layer.POT: _pot,
    Layer.SKIN: _skin,
    Layer.STREAM: _stream,
}


def paint_layers(size: int = SIZE) -> NDArray[np.uint8]:
    """All pictures: uint8 sRGBA (layers, size, size, 4), row 0 the lower edge."""
    pictures = np.full((len(_PAINTERS), size, size, 4), 255, np.uint8)
    for layer, painter in _PAINTERS.items():
        rgb = painter(size, np.random.default_rng(100 + int(layer)))
        pictures[layer, ..., :3] = (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pictures


def texture_array(ctx: moderngl.Context, software: bool) -> moderngl.TextureArray:
    """The pictures on the device: trilinear and anisotropic on hardware, the nearest mipmap on software."""
    pictures = paint_layers()
    layers, height, width, _ = pictures.shape
    texture = ctx.texture_array((width, height, layers), 4, pictures.tobytes())
    texture.build_mipmaps()
    mipmap = moderngl.LINEAR_MIPMAP_NEAREST if software else moderngl.LINEAR_MIPMAP_LINEAR
    texture.filter = (mipmap, moderngl.LINEAR)
    if not software:
        texture.anisotropy = 8.0
    return texture
