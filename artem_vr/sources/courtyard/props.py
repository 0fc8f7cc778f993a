"""The things that stand in the courtyard: fountain, pots, furniture, the still life, awning and flags."""

import math

import numpy as np

from artem_vr.sources.courtyard.architecture import STONE, WOOD
from artem_vr.sources.courtyard.mesh import Mesh, cross, joined
from artem_vr.sources.courtyard.paint import Layer, Paint, Rgb
from artem_vr.sources.courtyard.primitives import ball, box, disc, lathe, surface, tube

TERRACOTTA: Rgb = (0.88, 0.48, 0.29)
WATER = Paint(Layer.WATER)
_STREAM = Paint(Layer.STREAM)
BASIN_RADIUS, WATER_LEVEL = 1.5, 0.46
_BOWL, _CUP = (0.78, 1.22), (0.40, 1.74)  # rim radius and height of the two bowls


def fountain() -> Mesh:
    """The stone of the fountain: an octagonal basin with painted tiles, and two bowls on a stem."""
    r = BASIN_RADIUS / math.cos(math.pi / 8)
    tiles = Paint(Layer.AZULEJO)
    step = lathe([(r + 0.52, 0), (r + 0.52, 0.13), (r + 0.05, 0.13)], 8, STONE, sharp=True)
    outside = lathe([(r + 0.1, 0.13), (r + 0.1, 0.5)], 8, tiles, sharp=True)
    rim = lathe([(r + 0.1, 0.5), (r + 0.18, 0.52), (r + 0.18, 0.62), (r - 0.12, 0.62)], 8, STONE, sharp=True)
    inside = lathe([(r - 0.12, 0.62), (r - 0.12, 0.3)], 8, STONE.tinted((0.55, 0.66, 0.66)), sharp=True)
    stem = [(0.34, 0.3), (0.34, 0.5), (0.2, 0.6), (0.15, 0.8), (0.2, 0.98), (0.13, 1.04), (0.3, 1.06)]
    big = [(0.3, 1.06), (0.55, 1.1), (0.74, 1.18), (0.8, 1.24), (0.74, 1.25), (0.55, 1.17)]
    neck = [(0.14, 1.1), (0.11, 1.25), (0.15, 1.4), (0.09, 1.52), (0.14, 1.6)]
    small = [(0.14, 1.6), (0.3, 1.65), (0.4, 1.73), (0.42, 1.78), (0.37, 1.78), (0.25, 1.72)]
    top = [(0.1, 1.68), (0.06, 1.85), (0.11, 1.93), (0.05, 2.03), (0.0, 2.08)]
    turned = [lathe(profile, 13, STONE) for profile in (stem, big, neck, small, top)]
    return joined([step, outside, rim, inside, *turned])


def fountain_water() -> Mesh:
    """Everything wet: three surfaces, the curtains falling from both bowls and the jet on top. It flows."""
    parts = [
        disc(BASIN_RADIUS + 0.02, 16, WATER, 4).placed((0, WATER_LEVEL, 0)).moving(0.010, 0.05),
        disc(0.72, 12, WATER).placed((0, _BOWL[1] - 0.01, 0)).moving(0.005, 0.08),
        disc(0.38, 12, WATER).placed((0, _CUP[1] + 0.01, 0)).moving(0.003, 0.08),
    ]
    for rim, height, floor, count in ((0.41, 1.78, _BOWL[1], 6), (0.79, 1.24, WATER_LEVEL, 8)):
        parts += [_fall(rim, height - floor).placed((0, height, 0), 2 * math.pi * i / count) for i in range(count)]
    jets = [_jet().placed((0, 2.05, 0), 2 * math.pi * i / 5) for i in range(5)]
    splash = [
        lathe([(0.13, 0.0), (0.08, 0.05), (0.02, 0.09)], 6, _STREAM)
        .placed((0.98 * math.sin(a), WATER_LEVEL, 0.98 * math.cos(a)))
        .moving(0.012, 0.9)
        for a in np.arange(8) * math.pi / 4
    ]
    return joined([*parts, *jets, *splash])


def _fall(rim: float, depth: float) -> Mesh:
    """A strand of water that leaves a rim along +Z with little speed and falls `depth` metres."""
    t = np.linspace(0, math.sqrt(2 * depth / 9.81), 6)
    path = np.stack([0 * t, 0.012 - 4.905 * t * t, rim - 0.03 + 0.48 * t], 1)
    strand = tube(path, np.linspace(0.036, 0.020, len(t)), 4, _STREAM)
    return strand.moving(np.linspace(0, 0.012, len(t)).repeat(5), 1.6)


def _jet() -> Mesh:
    t = np.linspace(0, 0.42, 7)
    path = np.stack([0 * t, 1.65 * t - 4.905 * t * t, 0.02 + 0.62 * t], 1)
    return tube(path, np.linspace(0.022, 0.014, len(t)), 3, _STREAM).moving(np.linspace(0, 0.01, len(t)).repeat(4), 1.6)


def pot(radius: float = 0.3, height: float = 0.5, tint: Rgb = TERRACOTTA) -> Mesh:
    """A terracotta pot filled with earth."""
    r, h = radius, height
    profile = [(r * 0.62, 0), (r * 0.92, h * 0.8), (r * 1.06, h * 0.81), (r * 1.1, h), (r * 0.9, h)]
    soil = disc(r * 0.92, 10, Paint(Layer.HILL, (0.42, 0.30, 0.22), 1.0)).placed((0, h * 0.93, 0))
    return joined([lathe(profile, 10, Paint(Layer.POT, tint)), soil])


def amphora(tint: Rgb = TERRACOTTA) -> Mesh:
    """A tall jar with two handles, 1 m high."""
    profile = [(0.14, 0), (0.24, 0.18), (0.33, 0.45), (0.31, 0.66), (0.14, 0.84), (0.12, 0.92), (0.2, 1.0), (0.15, 1.0)]
    angle = np.linspace(-1.2, 1.6, 7)
    handle = np.stack([0.17 + 0.13 * np.cos(angle), 0.78 + 0.13 * np.sin(angle), 0 * angle], 1)
    paint = Paint(Layer.POT, tint)
    handles = [tube(handle, 0.025, 5, paint).placed(yaw=y) for y in (0, math.pi)]
    return joined([lathe(profile, 11, paint), *handles])


def chair(tint: Rgb = (0.16, 0.47, 0.66)) -> Mesh:
    """A painted wooden chair with a straw seat, facing -Z."""
    paint = Paint(Layer.WOOD, tint, 0.7)
    legs = [box((x, 0.23, z), (0.045, 0.46, 0.045), paint) for x in (-0.19, 0.19) for z in (-0.19, 0.19)]
    backs = [box((x, 0.7, 0.2), (0.045, 0.5, 0.04), paint) for x in (-0.19, 0.19)]
    slats = [box((0, y, 0.2), (0.36, 0.08, 0.025), paint) for y in (0.62, 0.76, 0.9)]
    seat = box((0, 0.46, 0), (0.44, 0.045, 0.44), Paint(Layer.CLOTH, (0.93, 0.78, 0.45), 0.2))
    return joined([*legs, *backs, *slats, seat])


def draped_table(length: float = 1.7, width: float = 0.9, height: float = 0.76) -> Mesh:
    """A table under a cloth that hangs down in folds."""
    n, m, hang = 25, 15, 0.3
    x, z = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, m), indexing="ij")
    sx, sz = x * (length / 2 + hang), z * (width / 2 + hang)
    over_x = np.maximum(np.abs(sx) - length / 2, 0)
    over_z = np.maximum(np.abs(sz) - width / 2, 0)
    down = np.maximum(over_x, over_z)
    fold = 0.05 * np.minimum(down / hang, 1) * (1 + np.sin(14 * np.where(over_x > over_z, sz, sx)))
    px = np.sign(sx) * (np.minimum(np.abs(sx), length / 2) + fold * (over_x > 0))
    pz = np.sign(sz) * (np.minimum(np.abs(sz), width / 2) + fold * (over_z > 0))
    cloth = surface(np.stack([px, height - down, pz], -1), np.stack([sx, sz], -1) * 2.2, Paint(Layer.CLOTH), flip=True)
    legs = [box((sx * 0.75, 0.35, sz * 0.35), (0.08, 0.7, 0.08), WOOD) for sx in (-1, 1) for sz in (-1, 1)]
    inside = box((0, height - 0.1, 0), (length - 0.02, 0.1, width - 0.02), WOOD)
    return joined([cloth, inside, *legs])


def still_life() -> Mesh:
    """Fruit, bread, wine and a jug, standing at y = 0 within 1.4 x 0.7 m."""
    glaze = Paint(Layer.AZULEJO, (1, 1, 1), 0.5)
    bowl = lathe([(0.08, 0), (0.09, 0.03), (0.2, 0.1), (0.23, 0.13), (0.21, 0.13), (0.1, 0.05), (0, 0.045)], 12, glaze)
    orange, lemon = Paint(Layer.SKIN, (1.0, 0.55, 0.08)), Paint(Layer.SKIN, (1.0, 0.88, 0.18))
    apple = Paint(Layer.SKIN, (0.86, 0.13, 0.10))
    fruit = [
        ball(0.062, orange, 1).placed((-0.08, 0.13, 0.03)), ball(0.06, orange, 1).placed((0.06, 0.13, 0.07)),
        ball(0.06, apple, 1).placed((0.06, 0.13, -0.06)), ball(0.06, orange, 1).placed((-0.04, 0.12, -0.09)),
        ball((0.05, 0.05, 0.066), lemon, 1).placed((0, 0.21, 0)),
    ]  # fmt: skip
    glass = Paint(Layer.SKIN, (0.13, 0.33, 0.20))
    bottle = [(0.045, 0), (0.05, 0.02), (0.05, 0.2), (0.018, 0.27), (0.018, 0.34), (0.022, 0.345), (0, 0.35)]
    jug = [(0.07, 0), (0.11, 0.08), (0.1, 0.16), (0.06, 0.22), (0.075, 0.28), (0.065, 0.28)]
    blue = Paint(Layer.SKIN, (0.15, 0.35, 0.75))
    crust = Paint(Layer.POT, (0.95, 0.68, 0.36), 0.3)
    grapes = [
        ball(0.026, Paint(Layer.SKIN, (0.42, 0.14, 0.42)), 0).placed(p)
        for p in np.random.default_rng(3).uniform((-0.09, 0.02, -0.06), (0.09, 0.07, 0.06), (16, 3))
    ]
    board = box((0, 0.012, 0), (0.42, 0.024, 0.24), WOOD.tinted((0.85, 0.62, 0.40)))
    handle = tube([(0.08, 0.24, 0), (0.15, 0.24, 0), (0.17, 0.17, 0), (0.11, 0.09, 0)], 0.014, 5, blue)
    cup = [(0.03, 0), (0.008, 0.015), (0.008, 0.08), (0.035, 0.1), (0.04, 0.17), (0.034, 0.17)]
    wine = Paint(Layer.SKIN, (0.60, 0.10, 0.18))
    return joined(
        [
            joined([bowl, *fruit]).placed((-0.05, 0, 0.02)),
            lathe(bottle, 9, glass).placed((-0.42, 0, -0.18)),
            lathe(cup, 7, wine).placed((-0.28, 0, -0.25)),
            lathe(cup, 7, wine).placed((-0.5, 0, 0.15)),
            joined([lathe(jug, 10, blue), handle]).placed((0.34, 0, -0.2), 0.6),
            joined([board, ball((0.17, 0.075, 0.085), crust, 1).placed((-0.04, 0.08, 0))]).placed((0.52, 0, 0.12), 0.5),
            joined(grapes).placed((0.22, 0, 0.22)),
            ball((0.045, 0.045, 0.06), lemon, 1).placed((-0.32, 0.045, 0.2), 0.8),
            ball(0.055, apple, 1).placed((-0.18, 0.055, 0.28)),
        ]
    )


def awning(width: float, reach: float, drop: float) -> Mesh:
    """A striped awning from a wall: hangs at y = 0 along X (centred), reaching out to +Z, with a scalloped edge."""
    paint = Paint(Layer.STRIPES)
    s, t = np.meshgrid(np.linspace(-0.5, 0.5, 28), np.linspace(0, 1, 4), indexing="ij")
    sag = 0.06 * np.sin(t * math.pi)
    roof = np.stack([s * width, -t * drop - sag, t * reach], -1)
    uv = np.stack([s * width, t * reach], -1) * 1.0
    hem_drop = np.stack([0 * s[:, 0], 0.2 + 0.06 * np.abs(np.sin((s[:, 0] + 0.5) * width * 2 * math.pi))], 1)
    hem = np.stack([roof[:, -1], roof[:, -1]], 1)
    hem[:, 1, 1] -= hem_drop[:, 1]
    hem_uv = np.stack(
        [np.stack([s[:, 0] * width, 0 * s[:, 0]], -1), np.stack([s[:, 0] * width, hem_drop[:, 1]], -1)], 1
    )
    poles = [
        tube([(x * width * 0.48, -0.04, 0), (x * width * 0.48, -drop - 0.04, reach)], 0.018, 4, WOOD) for x in (-1, 1)
    ]
    cloth = [surface(roof, uv, paint, flip) for flip in (False, True)]
    edge = [surface(hem, hem_uv, paint, flip) for flip in (False, True)]
    return joined([*cloth, *edge, *poles])


_FLAGS: tuple[Rgb, ...] = (
    (0.93, 0.20, 0.16),
    (1.0, 0.80, 0.20),
    (0.14, 0.50, 0.80),
    (0.97, 0.95, 0.88),
    (0.20, 0.62, 0.38),
)


def bunting(start: tuple[float, float, float], end: tuple[float, float, float], sag: float, count: int) -> Mesh:
    """A line of pennants between two points, blowing in the wind. Seen from both sides."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    t = (np.arange(count)[:, None] + [0.12, 0.5, 0.88]) / count

    def on_line(s: np.ndarray) -> np.ndarray:
        return a + (b - a) * s[..., None] - np.array([0, 1, 0]) * (4 * sag * s * (1 - s))[..., None]

    top = on_line(t)
    low = top[:, 1] - [0, 0.36, 0]
    middle = (top[:, [0, 2]] + low[:, None]) / 2
    points = np.concatenate([top, middle, low[:, None]], 1)  # 0 1 2 / 3 4 / 5
    tri = np.array([[0, 3, 1], [3, 4, 1], [1, 4, 2], [3, 5, 4]])
    index = (np.arange(count)[:, None, None] * 6 + tri).reshape(-1, 3)
    tints = np.repeat([_FLAGS[i % len(_FLAGS)] for i in range(count)], 6, axis=0)
    sway = np.tile([0, 0, 0, 0.05, 0.05, 0.11], count)
    side = cross(b - a, [0, 1, 0])
    uv = np.tile([[0, 0.0], [0.25, 0], [0.5, 0], [0.1, 0.3], [0.4, 0.3], [0.25, 0.6]], (count, 1))
    flags = Mesh.build(points, side, uv, index, Paint(Layer.PLASTER), tints).moving(sway)
    rope = tube(on_line(np.linspace(0, 1, 16)), 0.011, 3, Paint(Layer.SKIN, (0.5, 0.42, 0.34)))
    return joined([flags, rope])


def bench(length: float = 1.7) -> Mesh:
    """A masonry bench with a tiled front."""
    seat = box((0, 0.43, 0), (length, 0.08, 0.5), STONE, 0.6)
    body = box((0, 0.2, 0), (length - 0.12, 0.4, 0.4), Paint(Layer.AZULEJO), 0.6, open_bottom=True)
    return joined([seat, body])


def lantern() -> Mesh:
    """A wall lantern of iron with warm glass, hanging from its top at y = 0."""
    iron = Paint(Layer.SKIN, (0.16, 0.15, 0.15))
    glow = Paint(Layer.SKIN, (3.2, 2.4, 1.1))  # lit from within
    rod = box((0, -0.15, 0), (0.02, 0.3, 0.02), iron)
    roof = lathe([(0.13, -0.4), (0.13, -0.38), (0.02, -0.28)], 6, iron, sharp=True)
    body = lathe([(0.07, -0.66), (0.1, -0.4)], 6, glow, sharp=True)
    foot = lathe([(0.0, -0.7), (0.08, -0.68), (0.08, -0.65)], 6, iron, sharp=True)
    return joined([rod, roof, body, foot])
