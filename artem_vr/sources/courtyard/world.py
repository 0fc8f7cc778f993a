"""The whole place: what stands still, what has leaves, what is far, and what moves."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artem_vr.sources.courtyard import buildings, landmarks, plants, props, surroundings
from artem_vr.sources.courtyard.architecture import STONE, WOOD
from artem_vr.sources.courtyard.buildings import EAST, HOUSE_NORTH, NORTH, PERGOLA, SOUTH, WEST
from artem_vr.sources.courtyard.mesh import Mesh, joined
from artem_vr.sources.courtyard.paint import Layer, Paint
from artem_vr.sources.courtyard.plants import Plant, gathered
from artem_vr.sources.courtyard.primitives import box, lathe

_SEED = 20

Motion = Callable[[float], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Mover:
    """A thing and its place (4x4, model to world) at a time in seconds. Its mesh may sway and flow as well."""

    mesh: Mesh
    place: Motion


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The scene by how it is drawn.

    `solid` near and closed; `leafy` near leaves, two triangles each, seen from both sides; `far` beyond the walls;
    `sea`; `movers` seen from both sides.
    """

    solid: Mesh
    leafy: Mesh
    far: Mesh
    sea: Mesh
    movers: tuple[Mover, ...]

    @property
    def triangles(self) -> int:
        """How many triangles there are in all."""
        meshes = [self.solid, self.leafy, self.far, self.sea, *(m.mesh for m in self.movers)]
        return sum(len(mesh.index_M3) for mesh in meshes)


def build_world() -> World:
    """Models the courtyard. The same geometry every time; takes well under a second."""
    rng = np.random.default_rng(_SEED)
    green = gathered([_potted(rng), _trees(rng), _climbers(rng), _flower_boxes(rng)])
    solid = [
        buildings.floor(), buildings.arcade(), buildings.terrace_edge(), buildings.house(), buildings.garden_wall(),
        buildings.pergola(), props.fountain(), _furniture(), green.bodies,
    ]  # fmt: skip
    far_trees = joined([_far_cypresses(rng), surroundings.greenery(rng)])
    far = [
        surroundings.terrain(),
        surroundings.town(rng),
        landmarks.windmill_body().placed(_WINDMILL, _WINDMILL_YAW),
    ]
    bunting = [
        props.bunting((WEST + 0.1, 3.5, 5.2), (EAST, 5.6, 3.3), 1.0, 22),
        props.bunting((WEST + 0.1, 3.5, -0.6), (EAST, 5.6, 1.2), 1.0, 22),
    ]
    return World(
        joined(solid), green.leaves, joined([*far, far_trees]), surroundings.sea(),
        (Mover(props.fountain_water(), _still), *(Mover(line, _still) for line in bunting), *_movers()),
    )  # fmt: skip


def _furniture() -> Mesh:
    x, z = (PERGOLA[0] + PERGOLA[1]) / 2, (PERGOLA[2] + PERGOLA[3]) / 2
    parts = [props.draped_table().placed((x, 0, z)), props.still_life().placed((x, 0.765, z))]
    for dx, dz, yaw in (
        (-0.45, 0.85, 0.15),
        (0.5, 0.88, -0.2),
        (-0.5, -0.85, math.pi - 0.1),
        (0.45, -0.88, math.pi + 0.3),
    ):
        parts.append(props.chair().placed((x + dx, 0, z + dz), yaw))
    parts.append(props.awning(3.4, 1.5, 0.95).placed((EAST, 2.95, HOUSE_NORTH + 7.95), -math.pi / 2))
    cafe = (EAST - 0.95, 0, HOUSE_NORTH + 7.95)
    parts += [_round_table().placed(cafe)]
    for angle in (0.5, 2.6):
        at = (cafe[0] + 0.72 * math.sin(angle + math.pi / 2 - 1.57), 0, cafe[2] + 0.72 * math.cos(angle))
        parts.append(props.chair((0.90, 0.35, 0.22)).placed(at, angle))
    parts += [props.bench().placed((x, 0, SOUTH - 0.35)) for x in (EAST - 2.1, EAST - 5.4)]
    parts += [props.lantern().placed((WEST - 0.18, 3.0, NORTH + 0.75 + 2.7 * (i + 0.5))) for i in range(5)]
    parts.append(props.amphora().placed((WEST + 0.55, 0, -4.1)))
    parts.append(props.amphora((0.93, 0.72, 0.45)).placed((EAST - 0.5, 0, 6.9), scale=1.15))
    return joined(parts)


def _round_table() -> Mesh:
    iron = Paint(Layer.SKIN, (0.15, 0.16, 0.18))
    foot = lathe([(0.22, 0), (0.2, 0.03), (0.03, 0.08), (0.03, 0.7)], 10, iron)
    top = lathe([(0.0, 0.7), (0.38, 0.7), (0.4, 0.72), (0.4, 0.75), (0.0, 0.75)], 18, STONE)
    cups = [lathe([(0.03, 0.75), (0.045, 0.82), (0.035, 0.82)], 8, STONE).placed((x, 0, 0.08)) for x in (-0.16, 0.15)]
    return joined([foot, top, *cups])


def _potted(rng: np.random.Generator) -> Plant:
    found = []
    clay, ochre, blue = props.TERRACOTTA, (0.95, 0.70, 0.40), (0.25, 0.48, 0.75)
    lemons = [(-5.3, 5.9), (-5.35, 1.95), (6.35, 2.1), (2.6, 7.35), (-3.9, 7.3)]
    for i, (x, z) in enumerate(lemons):
        found.append(_in_pot(plants.lemon_tree(rng), (x, z), 0.36, 0.55, clay if i % 2 else ochre))
    flowers = (plants.SCARLET, plants.MAGENTA, (1.0, 0.75, 0.15), (0.97, 0.95, 0.92), (0.98, 0.45, 0.55))
    places = [
        (-5.55, 4.9), (-5.5, 3.1), (-5.55, -0.75), (-5.5, -1.3), (6.4, -1.2), (6.45, -0.65), (6.5, 0.9), (-4.9, 7.4),
        (3.4, 7.5),
        (-3.1, 7.55), (1.2, 7.55), (6.45, 7.6), (2.75, -6.35), (2.7, -5.8), (-5.2, -6.4), (2.65, -3.0),
    ]  # fmt: skip
    for i, place in enumerate(places):
        tint = (clay, ochre, blue)[i % 3]
        found.append(
            _in_pot(plants.geranium(rng, flowers[i % 5]), place, 0.2 + 0.05 * (i % 3), 0.3 + 0.06 * (i % 4), tint)
        )
    for x in np.linspace(WEST + 0.2, EAST - 0.2, 6)[1:-1]:
        found.append(_in_pot(plants.agave(rng), (x, NORTH), 0.2, 0.3, clay, 1.085))
    return gathered(found)


def _in_pot(
    plant: Plant,
    place: tuple[float, float],
    radius: float,
    height: float,
    tint: tuple[float, float, float],
    floor: float = 0.0,
) -> Plant:
    x, z = place
    vessel = props.pot(radius, height, tint).placed((x, floor, z))
    grown = plant.placed((x, floor + height * 0.92, z), yaw=3.1 * x + z)
    return Plant(joined([vessel, grown.bodies]), grown.leaves)


def _trees(rng: np.random.Generator) -> Plant:
    olive = plants.olive_tree(rng).placed((-4.3, 0.4, -5.0), 0.4)
    bed = buildings.planter(0.85).placed((-4.3, 0, -5.0))
    lavender = [
        _lavender(rng).placed((-4.3 + 0.5 * math.cos(a), 0.46, -5.0 + 0.5 * math.sin(a))) for a in np.arange(6) * 1.05
    ]
    near = [
        (-10.5, -6.0, 9.0),
        (-10.8, 2.5, 10.5),
        (-10.4, 9.0, 8.5),
        (-2.8, 10.6, 9.5),
        (-4.6, 11.4, 7.5),
        (4.9, 11.0, 10.0),
    ]
    tall = [plants.cypress(h, rng).placed((x, -1.0, z)) for x, z, h in near]
    return gathered([Plant(joined([bed, olive.bodies]), olive.leaves), *lavender, *tall])


def _lavender(rng: np.random.Generator) -> Plant:
    way = plants.on_ball(26, rng, 0.35)
    stems = plants.leaf_quads(way * 0.08, way, (0.48, 0.58, 0.42), rng, 0.3, 0.03, -0.6)
    heads = plants.leaf_quads(way * [0.25, 0.34, 0.25], way, (0.58, 0.42, 0.85), rng, 0.16, 0.06, -0.8)
    return Plant(plants.ball(0.1, plants.EARTH, 0), joined([stems, heads]))


def _climbers(rng: np.random.Generator) -> Plant:
    """Bougainvillea up the corner of the house and over the gate, vines and wisteria on the pergola."""
    count = 340
    t = rng.uniform(0, 1, count)
    z = HOUSE_NORTH + 0.1 + (0.55 + 1.0 * t) * np.abs(rng.normal(0, 0.6, count)) + 0.25 * np.sin(t * 7)
    at = np.stack([np.full(count, EAST - 0.12) - rng.uniform(0, 0.2, count), 0.3 + t**0.8 * 5.3, z], 1)
    house = plants.climber(at, np.tile([-1, 0.25, -0.2], (count, 1)), plants.MAGENTA, rng)
    count = 200
    angle = rng.uniform(0.15, math.pi * 0.95, count)
    reach = 1.35 + rng.normal(0, 0.2, count)
    gate_x = WEST + 4.6
    at = np.stack([gate_x + reach * np.cos(angle) * 1.15, 1.75 + reach * np.sin(angle), np.full(count, SOUTH - 0.1)], 1)
    at[:, 2] -= rng.uniform(0, 0.2, count)
    gate = plants.climber(at, np.tile([0, 0.3, -1], (count, 1)), (0.98, 0.52, 0.20), rng, 0.5)
    x0, x1, z0, z1 = PERGOLA
    count = 340
    at = np.stack(
        [rng.uniform(x0 - 0.4, x1 + 0.4, count), rng.normal(2.82, 0.07, count), rng.uniform(z0 - 0.3, z1 + 0.3, count)],
        1,
    )
    # Denser towards the west and the south, open to the sky in the middle: the sun reaches the table.
    at[:, 0] = np.where(rng.uniform(size=count) < 0.55, x0 - 0.35 + np.abs(rng.normal(0, 0.5, count)), at[:, 0])
    vine = plants.climber(at, np.tile([0, 1, 0], (count, 1)), plants.WISTERIA, rng, 0.15)
    hang = at[rng.choice(count, 56, replace=False)] - [0, 0.12, 0]
    return gathered([house, gate, Plant(vine.bodies, joined([vine.leaves, plants.wisteria(hang, rng)]))])


def _flower_boxes(rng: np.random.Generator) -> Plant:
    found = []
    spots = [(HOUSE_NORTH + s, 3.68, 0.2) for s in (1.72, 8.83)] + [(HOUSE_NORTH + 7.95, 0.88, 0.2)]
    spots += [(HOUSE_NORTH + 5.22 + d, 3.85, 1.05) for d in (-0.7, 0.7)]
    for z, y, out in spots:
        trough = box((EAST - out, y, z), (0.24, 0.2, 1.0), WOOD)
        found.append(Plant(trough, plants.geranium(rng, spread=0.23).leaves.placed((EAST - out, y + 0.08, z - 0.26))))
        found.append(plants.geranium(rng, spread=0.23).placed((EAST - out, y + 0.08, z + 0.26)))
    return gathered(found)


def _far_cypresses(rng: np.random.Generator) -> Mesh:
    trees = []
    for x, z in surroundings.spread_on_land(rng, 80):
        tall = float(rng.uniform(4.5, 9.0))
        trees.append(plants.far_cypress(tall).placed((x, float(surroundings.height(x, z)) - 0.4, z)))
    return joined(trees)


_MILL = (26.0, -84.0)
_WINDMILL = (_MILL[0], float(surroundings.height(*_MILL)), _MILL[1])
_WINDMILL_YAW = math.atan2(-_MILL[0], -_MILL[1])


def _movers() -> tuple[Mover, ...]:
    white, red, blue, yellow = (0.99, 0.97, 0.90), (0.88, 0.26, 0.18), (0.18, 0.42, 0.66), (0.97, 0.74, 0.28)
    boats = [
        Mover(landmarks.sailing_boat(sail, hull), _drifting(x, z, yaw, phase))
        for x, z, yaw, phase, sail, hull in (
            (-14.0, -62.0, 1.2, 0.0, white, red), (9.0, -86.0, -1.4, 1.7, red, white),
            (-40.0, -100.0, 1.8, 3.1, yellow, blue),
            (24.0, -52.0, -1.0, 4.4, white, blue),
        )
    ]  # fmt: skip
    sails = Mover(landmarks.windmill_sails(), _turning())
    gulls = [Mover(landmarks.gull(1.2), _circling(i)) for i in range(6)]
    return (*boats, sails, *gulls)


def _still(_time: float) -> NDArray[np.float32]:
    return np.eye(4, dtype=np.float32)


def _place(yaw: float, roll: float, at: tuple[float, float, float], lift: float = 1.0) -> NDArray[np.float32]:
    """Scaled by `lift` along Y, rolled about Z, turned about Y, moved."""
    cy, sy, cr, sr = math.cos(yaw), math.sin(yaw), math.cos(roll), math.sin(roll)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn * [1, lift, 1]
    matrix[:3, 3] = at
    return matrix.astype(np.float32)


def _drifting(x: float, z: float, yaw: float, phase: float) -> Motion:
    def at(time: float) -> NDArray[np.float32]:
        along = 6.0 * math.sin(time * 0.05 + phase)
        place = (
            x - math.sin(yaw) * along,
            surroundings.SEA_LEVEL + 0.12 * math.sin(time * 1.1 + phase),
            z - math.cos(yaw) * along,
        )
        return _place(yaw, 0.05 * math.sin(time * 0.9 + phase), place)

    return at


def _turning() -> Motion:
    x, y, z = _WINDMILL
    hub = (x + 3.0 * math.sin(_WINDMILL_YAW), y + 6.6, z + 3.0 * math.cos(_WINDMILL_YAW))

    def at(time: float) -> NDArray[np.float32]:
        return _place(_WINDMILL_YAW, time * 0.55, hub)

    return at


def _circling(number: int) -> Motion:
    radius, speed, height = 11.0 + 3.1 * number, 0.26 - 0.014 * number, 9.0 + 1.6 * number

    def at(time: float) -> NDArray[np.float32]:
        angle = time * speed + number * 1.9
        place = (
            4.0 + radius * math.cos(angle),
            height + 0.8 * math.sin(time * 0.4 + number),
            -42.0 - radius * math.sin(angle),
        )
        # Gliding, and now and then some beats of the wings.
        beat = 0.35 + 0.65 * math.sin(time * 7.0 + number) * max(0.0, math.sin(time * 0.7 + 2.1 * number))
        return _place(angle, 0.35, place, beat)

    return at
