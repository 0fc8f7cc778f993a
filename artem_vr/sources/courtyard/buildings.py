"""The four sides of the courtyard: arcade, balustrade, house and garden wall, and the pergola in the corner.

X points east, -Z north to the sea. The paved floor is y = 0, from x = -6 to 7 and z = -7 to 8; the arcade lies west
of it, the house east, the garden wall south. The fountain stands in the origin.
"""

import math
from dataclasses import replace

import numpy as np

from artem_vr.sources.courtyard.architecture import (
    STONE,
    WOOD,
    Hole,
    arch_outline,
    arched_wall,
    balustrade,
    column,
    pedestal,
    plank_door,
    stone_arch,
    tiled_roof,
    wall,
    window,
)  # fmt: skip
from artem_vr.sources.courtyard.mesh import Mesh, joined
from artem_vr.sources.courtyard.paint import Layer, Paint, Rgb
from artem_vr.sources.courtyard.primitives import box, disc, grid_index, lathe, patch

WEST, EAST, NORTH, SOUTH = -6.0, 7.0, -7.0, 8.0
HOUSE_NORTH = -2.6
WALL_HEIGHT, HOUSE_HEIGHT = 3.1, 6.4
WHITE = Paint(Layer.PLASTER, (0.98, 0.93, 0.84))
OCHRE = Paint(Layer.PLASTER, (0.99, 0.74, 0.36))
CORAL = Paint(Layer.PLASTER, (0.95, 0.53, 0.42))
SHUTTER = Paint(Layer.SLATS, (0.16, 0.52, 0.70))
DOOR = Paint(Layer.WOOD, (0.15, 0.46, 0.42), 0.8)
TILE: Rgb = (0.95, 0.55, 0.36)
_HALF_TURN = math.pi


def floor() -> Mesh:
    """Paving: flagstones crossed by tiled paths, a border, the arcade's walk and a mosaic around the fountain."""
    b, n = 0.9, 0.5
    strips = [
        (WEST, WEST + b, NORTH, SOUTH), (EAST - b, EAST, NORTH, SOUTH), (WEST + b, EAST - b, SOUTH - b, SOUTH),
        (WEST + b, EAST - b, NORTH, NORTH + n), (WEST - 2.6, WEST, NORTH, SOUTH),
    ]  # fmt: skip
    parts = [_ground(*strip, Paint(Layer.TERRACOTTA)) for strip in strips]
    x0, x1, z0, z1 = WEST + b, EAST - b, NORTH + n, SOUTH - b
    p, t = _PATH, _PATH + _TRIM
    for x in ((x0, -t), (t, x1)):
        parts += [_round_the_ring(_ground(*x, *z, Paint(Layer.FLAGSTONE))) for z in ((z0, -t), (t, z1))]
    for a, c, paint in ((-p, p, Paint(Layer.TERRACOTTA)), (-t, -p, _TILES), (p, t, _TILES)):
        parts += [_round_the_ring(_ground(a, c, *z, paint)) for z in ((z0, -2.0), (2.0, z1))]
        parts += [_round_the_ring(_ground(*x, a, c, paint)) for x in ((x0, -2.0), (2.0, x1))]
    return joined([*parts, _mosaic(1.9, 3.0)])


_PATH, _TRIM = 0.62, 0.19
_TILES = Paint(Layer.AZULEJO, (0.96, 0.94, 0.92), _TRIM * 2)


def _round_the_ring(mesh: Mesh) -> Mesh:
    """Without the triangles that the mosaic hides."""
    reach = np.hypot(mesh.position_N3[:, 0], mesh.position_N3[:, 2])[mesh.index_M3].max(1)
    return replace(mesh, index_M3=mesh.index_M3[reach > 2.95])


def _ground(x0: float, x1: float, z0: float, z1: float, paint: Paint) -> Mesh:
    return patch(
        (x0, 0, z1), (x1 - x0, 0, 0), (0, 0, z0 - z1), paint, 0.75, np.array([x0, -z1]) * paint.repeats_per_metre
    )


def _mosaic(inside: float, outside: float) -> Mesh:
    rings, around = 2, 40
    r = np.linspace(inside, outside, rings + 1)[:, None]
    angle = np.linspace(0, 2 * math.pi, around + 1)
    points = np.stack([r * np.sin(angle), np.full((rings + 1, around + 1), 0.005), r * np.cos(angle)], -1)
    uv = np.stack(np.broadcast_arrays(angle / (2 * math.pi) * 14, (r - inside) / (outside - inside)), -1)
    return Mesh.build(points, (0, 1, 0), uv, grid_index(rings + 1, around + 1), Paint(Layer.MOSAIC))


def arcade() -> Mesh:
    """The west side: five arches on columns, a cool walk behind them and a tiled lean-to roof."""
    length, bay = SOUTH - NORTH, 2.7
    start = (length - 5 * bay) / 2
    outlines = [arch_outline(start + bay * (i + 0.5), 1.08, 2.15, 10) for i in range(5)]
    front = arched_wall(length, 3.72, 0.36, outlines, WHITE)
    parts = [_facing_east(front, WEST)]
    for i in range(len(outlines)):
        ring = stone_arch(1.08, 2.15, 0.04, 0.2).placed((start + bay * (i + 0.5), 0, 0))
        parts.append(_facing_east(ring, WEST))
        if i:
            z = NORTH + start + bay * i
            parts += [
                box((WEST - 0.18, 2.17, z), (0.5, 0.16, 0.66), STONE),
                box((WEST - 0.18, 0.2, z), (0.46, 0.4, 0.64), STONE),
            ]
    back = wall(length, 3.6, [(start + bay * 2.5 - 0.62, 0, 1.24, 2.3)], Paint(Layer.PLASTER, (0.42, 0.64, 0.98)), 0.8)
    dado = wall(length, 1.15, [(start + bay * 2.5 - 0.62, 0, 1.24, 1.15)], Paint(Layer.AZULEJO), 0.8).placed(
        (0, 0, 0.03)
    )
    door = plank_door(1.24, 2.3, DOOR, arched=False).placed((start + bay * 2.5, 0, -0.12))
    parts += [_facing_east(part, WEST - 2.6) for part in (back, dado, door)]
    beams = [box((WEST - 1.4, 3.42, z), (2.4, 0.16, 0.14), WOOD) for z in np.arange(NORTH + 0.5, SOUTH, 0.9)]
    ceiling = patch((WEST - 2.6, 3.5, SOUTH), (0, 0, -length), (2.5, 0, 0), WOOD.tinted((0.62, 0.45, 0.32)), 0.9)
    roof = tiled_roof(length + 0.4, 3.2, 1.0, TILE).placed((WEST - 2.75, 4.62, SOUTH + 0.2), math.pi / 2)
    gable = [
        box((WEST - 1.5, 1.9, z), (2.7, 3.8, 0.3), WHITE, 0.8, open_bottom=True) for z in (NORTH - 0.1, SOUTH + 0.1)
    ]
    parapet = box((WEST - 2.9, 2.4, (NORTH + SOUTH) / 2), (0.3, 4.8, length + 0.4), WHITE, 1.2, open_bottom=True)
    return joined([*parts, *beams, ceiling, roof, *gable, parapet])


def _facing_east(mesh: Mesh, x: float) -> Mesh:
    """From a wall's own plane (outside +Z, X from 0) to a wall that looks east, running south along the courtyard."""
    return mesh.placed((x, 0, SOUTH), math.pi / 2)


def terrace_edge() -> Mesh:
    """The north side and the corner beside the pergola: balustrades and pedestals."""
    parts = []
    xs = np.linspace(WEST + 0.2, EAST - 0.2, 6)
    for i, x in enumerate(xs):
        parts.append(pedestal().placed((x, 0, NORTH)))
        if i < 5:
            parts.append(balustrade(xs[1] - xs[0] - 0.44).placed((x + 0.22, 0, NORTH)))
    zs = np.linspace(NORTH, HOUSE_NORTH - 0.1, 3)
    for i, z in enumerate(zs[1:]):
        if i == 0:
            parts.append(pedestal().placed((EAST - 0.2, 0, z)))
        parts.append(balustrade(zs[1] - zs[0] - 0.44).placed((EAST - 0.2, 0, z - 0.22), math.pi / 2))
    return joined(parts)


_GROUND_WINDOW: Hole = (7.4, 0.95, 1.1, 1.45)
_UPPER: tuple[Hole, ...] = ((1.2, 3.75, 1.05, 1.5), (8.3, 3.75, 1.05, 1.5))
_BALCONY: Hole = (4.6, 3.25, 1.25, 2.15)


def house() -> Mesh:
    """The east side: a two-storey ochre house with blue shutters, a balcony and an arched green door."""
    length = SOUTH - HOUSE_NORTH
    holes = [_GROUND_WINDOW, *_UPPER, _BALCONY]
    # In the plane of the wall that looks west, x runs from the north corner to the south.
    face = [wall(length, HOUSE_HEIGHT, holes, OCHRE), *(window(hole, STONE, SHUTTER) for hole in holes)]
    face += [plank_door(1.3, 2.45, DOOR).placed((2.6, 0, 0.035)), stone_arch(0.65, 1.8, 0.09, 0.26).placed((2.6, 0, 0))]
    face += [
        box((length / 2, 3.02, 0.05), (length, 0.14, 0.12), STONE, 1.5),
        box((2.6, 0.08, 0.3), (1.9, 0.16, 0.6), STONE),
    ]
    face += [box((length / 2, 0.25, 0.03), (length, 0.5, 0.06), STONE.tinted((0.85, 0.74, 0.6)), 1.0)]
    face.append(_balcony().placed((_BALCONY[0] + _BALCONY[2] / 2, 3.1, 0)))
    front = joined(face).placed((EAST, 0, HOUSE_NORTH), -math.pi / 2)
    side_holes: list[Hole] = [(1.6, 3.75, 1.05, 1.5), (4.4, 3.75, 1.05, 1.5), (4.2, 1.0, 1.1, 1.45)]
    side = joined([wall(7, HOUSE_HEIGHT, side_holes, OCHRE), *(window(hole, STONE, SHUTTER) for hole in side_holes)])
    north = side.placed((EAST + 7, 0, HOUSE_NORTH), _HALF_TURN)
    south = patch((EAST, 0, SOUTH), (7, 0, 0), (0, HOUSE_HEIGHT, 0), OCHRE, 1.5)
    roof = tiled_roof(length + 1.0, 4.0, 1.35, TILE).placed(
        (EAST + 3.5, HOUSE_HEIGHT + 1.2, HOUSE_NORTH - 0.5), -math.pi / 2
    )
    corners = [(EAST, HOUSE_HEIGHT), (EAST + 7, HOUSE_HEIGHT), (EAST + 3.5, HOUSE_HEIGHT + 1.15)]
    gable = Mesh.build(
        [(x, y, HOUSE_NORTH) for x, y in corners], (0, 0, -1), [(0, 0), (2.3, 0), (1.2, 0.4)], [(0, 1, 2)], OCHRE,
    )  # fmt: skip
    chimney = joined(
        [
            box((EAST + 2.2, HOUSE_HEIGHT + 1.0, 4.5), (0.7, 1.6, 0.7), WHITE, open_bottom=True),
            box((EAST + 2.2, HOUSE_HEIGHT + 1.85, 4.5), (0.95, 0.14, 0.95), Paint(Layer.ROOF, TILE)),
        ]
    )
    return joined([front, north, south, roof, gable, chimney])


def _balcony() -> Mesh:
    """Slab, brackets and an iron railing, centred on x, its floor at y = 0, reaching out to z = 0.95."""
    iron = Paint(Layer.SKIN, (0.15, 0.16, 0.18))
    width, deep = 2.6, 0.95
    bars = [
        box((x, 0.5, deep - 0.05), (0.025, 0.9, 0.025), iron)
        for x in np.linspace(-width / 2 + 0.06, width / 2 - 0.06, 19)
    ]
    bars += [box((x, 0.5, z), (0.025, 0.9, 0.025), iron) for x in (-1.24, 1.24) for z in np.linspace(0.1, 0.8, 5)]
    rails = [box((0, 0.97, deep - 0.05), (width - 0.06, 0.05, 0.06), iron)]
    rails += [box((x, 0.97, deep / 2), (0.06, 0.05, deep), iron) for x in (-1.24, 1.24)]
    brackets = [box((x, -0.2, 0.3), (0.18, 0.3, 0.6), STONE) for x in (-1.0, 1.0)]
    return joined([box((0, -0.02, deep / 2), (width, 0.14, deep), STONE, 0.8), *bars, *rails, *brackets])


def garden_wall() -> Mesh:
    """The south side: a coral wall with a wide arched gate, tile panels and a coping of roof tiles."""
    length, height = EAST - WEST, WALL_HEIGHT
    gate_x = length - 4.6
    gate = arch_outline(gate_x, 0.95, 1.75, 12)
    front = arched_wall(length, height, 0.4, [gate], CORAL)
    door = plank_door(1.9, 2.7, DOOR.tinted((0.20, 0.42, 0.62))).placed((gate_x, 0, -0.2))
    ring = stone_arch(0.95, 1.75, 0.06, 0.3).placed((gate_x, 0, 0))
    panels = [
        joined(
            [
                box((x, 1.55, 0.03), (1.8, 1.2, 0.06), Paint(Layer.AZULEJO), 0.6),
                *(box((x, y, 0.04), (2.0, 0.1, 0.1), STONE) for y in (0.92, 2.18)),
                *(box((x + dx, 1.55, 0.04), (0.1, 1.2, 0.1), STONE) for dx in (-0.95, 0.95)),
            ]
        )
        for x in (2.1, 5.4)
    ]
    skirting = [
        box((3.6, 0.22, 0.0), (7.2, 0.44, 0.05), STONE, 1.0),
        box((11.3, 0.22, 0.0), (3.3, 0.44, 0.05), STONE, 1.0),
    ]
    face = joined([front, door, ring, *panels, *skirting]).placed((EAST, 0, SOUTH), _HALF_TURN)
    tiles = [
        tiled_roof(length, 0.5, 0.2, TILE).placed((EAST if yaw else WEST, height + 0.22, SOUTH + 0.2), yaw)
        for yaw in (0.0, _HALF_TURN)
    ]
    return joined([face, *tiles])


PERGOLA = (3.3, 6.5, -6.3, -3.2)
"""x0, x1, z0, z1 of the pergola's posts."""


def pergola() -> Mesh:
    """White pillars, beams and slats over the table."""
    x0, x1, z0, z1 = PERGOLA
    parts = [column(2.45, 0.16).placed((x, 0, z)) for x in (x0, x1) for z in (z0, z1)]
    parts += [box((x, 2.53, (z0 + z1) / 2), (0.15, 0.18, z1 - z0 + 0.9), WOOD, 1.0) for x in (x0, x1)]
    slats = np.linspace(z0 - 0.25, z1 + 0.25, 9)
    parts += [box(((x0 + x1) / 2, 2.68, z), (x1 - x0 + 0.9, 0.14, 0.09), WOOD, 1.2) for z in slats]
    return joined(parts)


def planter(radius: float = 0.8) -> Mesh:
    """A round bed of ashlar, filled with earth."""
    r = radius
    ring = lathe(
        [(r, 0), (r, 0.42), (r + 0.06, 0.44), (r + 0.06, 0.54), (r - 0.2, 0.54), (r - 0.2, 0.4)],
        16,
        Paint(Layer.ASHLAR),
    )
    return joined([ring, disc(r, 16, Paint(Layer.HILL, (0.42, 0.30, 0.22), 1.0)).placed((0, 0.46, 0))])
