"""What stands out far away: towers and a church, a windmill, boats and birds. Each around its own origin."""

import math

import numpy as np

from artem_vr.sources.courtyard.mesh import Mesh, joined
from artem_vr.sources.courtyard.paint import Layer, Paint, Rgb
from artem_vr.sources.courtyard.primitives import ball, box, grid_index, lathe


def bell_tower() -> Mesh:
    """A campanile, 21 m high, with arched openings painted dark and a pyramid roof."""
    wall, trim = Paint(Layer.ASHLAR, (0.97, 0.86, 0.66)), Paint(Layer.STONE, (1.0, 0.95, 0.85))
    dark = Paint(Layer.SKIN, (0.25, 0.22, 0.28))
    parts = [
        box((0, 6, 0), (4.2, 18, 4.2), wall, open_bottom=True), box((0, 15.1, 0), (4.8, 0.5, 4.8), trim),
        box((0, 17.2, 0), (3.7, 3.8, 3.7), wall, open_bottom=True), box((0, 19.2, 0), (4.4, 0.45, 4.4), trim),
        lathe([(2.9, 19.4), (0.05, 23.4)], 4, Paint(Layer.ROOF, (0.95, 0.50, 0.32)), sharp=True),
        ball(0.3, Paint(Layer.SKIN, (0.95, 0.75, 0.25)), 1).placed((0, 23.6, 0)),
    ]  # fmt: skip
    for i in range(4):
        arch = [box((x, 17.0, 1.86), (0.8, 2.4, 0.02), dark) for x in (-0.75, 0.75)]
        parts += [part.placed(yaw=i * math.pi / 2) for part in (*arch, box((0, 11, 2.11), (0.7, 1.6, 0.02), dark))]
    return joined(parts)


def domed_church() -> Mesh:
    """A small white church with a blue tiled dome."""
    white, blue = Paint(Layer.PLASTER, (0.99, 0.95, 0.88)), Paint(Layer.AZULEJO, (0.55, 0.75, 1.0), 2.4)
    dome = [(3.0 * math.cos(a), 10 + 3.0 * math.sin(a)) for a in np.linspace(0, math.pi / 2, 7)]
    drum = lathe([(3.1, 6), (3.1, 9.7), (3.35, 9.7), (3.35, 10.1), (3.0, 10.1)], 12, white)
    lamp = lathe([(0.5, 12.9), (0.5, 14.0), (0.65, 14.0), (0.0, 15.2)], 8, white)
    nave = box((0, 0, 0), (9, 13, 7), white, open_bottom=True)
    return joined([nave, drum, lathe(dome, 16, blue), lamp])


def lighthouse() -> Mesh:
    """A white and red lighthouse, 15 m high."""
    white, red = Paint(Layer.PLASTER, (0.99, 0.97, 0.92)), Paint(Layer.PLASTER, (0.86, 0.22, 0.16))
    rings = [lathe([(1.9 - 0.09 * y, y), (1.9 - 0.09 * (y + 3), y + 3)], 10, red if i % 2 else white)
             for i, y in enumerate(range(0, 12, 3))]  # fmt: skip
    top = lathe([(1.3, 12), (1.3, 12.4), (0.7, 12.4), (0.7, 14), (1.0, 14), (0, 15.4)], 10, red)
    return joined([*rings, top])


def windmill_body() -> Mesh:
    """The tower of the windmill; its sails are `windmill_sails`."""
    tower = lathe([(2.6, -2), (2.1, 6.2), (2.3, 6.2), (2.3, 6.5)], 12, Paint(Layer.PLASTER, (0.99, 0.95, 0.87)))
    roof = lathe([(2.6, 6.4), (0.05, 9.4)], 12, Paint(Layer.WOOD, (0.62, 0.40, 0.28)))
    door = box((0, 1.1, 2.36), (1.1, 2.2, 0.1), Paint(Layer.WOOD, (0.16, 0.42, 0.60)))
    return joined([tower, roof, door])


def windmill_sails() -> Mesh:
    """Six triangular cloth sails around the origin, in the plane z = 0, seen from both sides."""
    angle = np.arange(6) * math.pi / 3
    along = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    side = np.stack([-np.sin(angle), np.cos(angle), 0 * angle], 1)
    lift = np.array([0, 0, 0.35])
    corners = np.stack([along * 0.7, along * 5.2, along * 4.6 + side * 1.7 + lift], 1)
    tints = np.repeat([(0.98, 0.94, 0.84), (0.93, 0.42, 0.28)] * 3, 3, axis=0)
    index = np.arange(18).reshape(6, 3)
    cloth = Mesh.build(
        corners, (0, 0, 1), np.tile([[0, 0], [2.0, 0], [2.0, 0.8]], (6, 1)), index, Paint(Layer.PLASTER), tints
    )
    spars = [box((2.6, 0, 0), (5.4, 0.14, 0.14), Paint(Layer.WOOD, (0.5, 0.36, 0.26))) for _ in angle]
    turned: list[Mesh] = []
    for spar, a in zip(spars, angle, strict=True):
        c, s = math.cos(a), math.sin(a)
        turned.append(spar.turned(np.array([(c, -s, 0), (s, c, 0), (0, 0, 1)])))
    return joined([cloth, *turned])


def sailing_boat(sail: Rgb, hull: Rgb) -> Mesh:
    """A small boat with two sails, its water line at y = 0, its bow at -Z; seen from both sides."""
    t = np.linspace(-1, 1, 9)
    beam = 1.1 * (1 - np.abs(t) ** 2.4)
    deck = np.stack([np.stack([s * beam, 0.75 + 0.25 * t * t, t * 3.4], 1) for s in (-1, 1)], 0)
    keel = np.stack([0 * t, -0.3 + 0 * t, t * 3.0], 1)
    rows = np.stack([deck[0], keel, deck[1], deck[0]], 0)
    uv = np.stack(np.broadcast_arrays(t, np.arange(4)[:, None] * 0.3), -1)
    normals = rows - [0, 0.1, 0]
    body = Mesh.build(rows, normals.reshape(-1, 3), uv, grid_index(4, 9), Paint(Layer.WOOD, hull))
    cloth = Paint(Layer.PLASTER, sail)
    main = Mesh.build(
        [(0, 1.3, -0.2), (0.35, 1.4, 3.1), (0, 8.4, -0.1)], (1, 0.2, 0), [(0, 0), (1, 0), (0, 2)], [(0, 1, 2)], cloth
    )
    jib = Mesh.build(
        [(0, 1.1, -3.2), (0.3, 1.2, -0.4), (0, 7.0, -0.3)], (1, 0.2, 0), [(0, 0), (1, 0), (0, 2)], [(0, 1, 2)], cloth
    )
    mast = box((0, 4.6, -0.2), (0.12, 8, 0.12), Paint(Layer.WOOD, (0.5, 0.36, 0.26)))
    return joined([body, main, jib, mast])


def gull(span: float = 1.3) -> Mesh:
    """A bird with spread wings; scaled up and down along Y it beats them."""
    points = [(0, 0, -0.28), (0, 0, 0.3), (-0.25, 0.16, 0), (0.25, 0.16, 0), (-0.55, 0.22, 0.12), (0.55, 0.22, 0.12)]
    scaled = np.array(points) * [span, span, span * 0.55]
    white = Paint(Layer.SKIN, (0.97, 0.96, 0.94))
    index = [(0, 2, 1), (0, 1, 3), (0, 4, 2), (2, 4, 1), (0, 3, 5), (3, 1, 5)]
    tints = np.array([(1, 1, 1)] * 4 + [(0.35, 0.37, 0.42)] * 2)
    return Mesh.build(scaled, (0, 1, 0), scaled[:, [0, 2]], index, white, tints)
