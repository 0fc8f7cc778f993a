"""The courtyard on the device: all batches and programs, drawn for one eye at a time."""

from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.gl.context import is_software
from artem_vr.gl.program import load_program
from artem_vr.sources.courtyard import sky
from artem_vr.sources.courtyard.batch import Batch, Run
from artem_vr.sources.courtyard.chunks import needs_shadow_map, sea_vertices
from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.moving import MovingParts
from artem_vr.sources.courtyard.occlusion import bake_occlusion, load_occlusion
from artem_vr.sources.courtyard.paint import BARE
from artem_vr.sources.courtyard.shadow import shadow_texture, sun_view, take_depth_map, to_texture
from artem_vr.sources.courtyard.textures import texture_array
from artem_vr.sources.courtyard.world import World, build_world

_LAYERS, _SHADOW, _PANORAMA = 0, 1, 2
_NEAR_CELL, _FAR_CELL, _SEA_CELL, _THIN_BEYOND = 4.4, 32.0, 70.0, 5.5
_QUICK_DIRECTIONS = 48
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a frame's eyes see together at its time, in the order of drawing."""

    time: float
    shadowed: list[Run]
    plain: list[Run]
    bare: list[Run]
    leafy: list[Run]
    far: list[Run]
    sea: list[Run]
    moving: list[tuple[int, bytes]]


class Stage:
    """Owns every GL object of the scene except the targets it is drawn into. Raises `GraphicsError`."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._owned: list[Any] = []
        try:
            self._open(build_world(), is_software(ctx))
        except BaseException:
            self.release()
            raise

    def _open(self, world: World, software: bool) -> None:
        self._layers = self._own(texture_array(self._ctx, software))
        self._panorama = self._own(sky.panorama_texture(self._ctx))
        self._load_programs(1 if software else 4)
        self._open_near(world)
        far, sea = world.far, world.sea
        self._far = self._own(Batch(self._ctx, self._far_program, far, far.index_M3, _FAR_CELL, outside=True))
        self._sea = self._own(
            Batch(self._ctx, self._sea_program, sea, sea.index_M3, _SEA_CELL, outside=True, data=sea_vertices(sea))
        )
        self._moving = self._own(MovingParts(self._ctx, self._moving_program, world.movers))
        self._dome = self._open_dome(sky.dome())

    def _open_near(self, world: World) -> None:
        ctx, solid, leafy = self._ctx, world.solid, world.leafy
        sun = take_depth_map(ctx, [solid, leafy])
        self._shadow = self._own(shadow_texture(ctx, sun))
        occlusion = load_occlusion([solid, leafy])
        if occlusion is None:  # the asset belongs to another version: slower to start, coarser, but right
            baked = bake_occlusion(ctx, [solid, leafy], [solid, leafy], _QUICK_DIRECTIONS)
            occlusion = [np.asarray(part / 255, np.float32) for part in baked]
        bare = np.isin(solid.layer_N, BARE)[solid.index_M3[:, 0]]
        mixed = needs_shadow_map(solid, sun) & ~bare
        lit = sun.lit(solid.position_N3 + solid.normal_N3 * np.float32(0.03), soft=2)
        light = (occlusion[0], lit)
        self._shadowed = self._own(Batch(ctx, self._shadow_program, solid, solid.index_M3[mixed], _NEAR_CELL, *light))
        rest = solid.index_M3[~mixed & ~bare]
        self._plain = self._own(Batch(ctx, self._plain_program, solid, rest, _NEAR_CELL, *light))
        self._bare = self._own(Batch(ctx, self._bare_program, solid, solid.index_M3[bare], _NEAR_CELL, *light))
        light = (occlusion[1], sun.lit(leafy.position_N3, 0.12, soft=4))
        leaves = _shuffled_leaves(leafy.index_M3)
        self._leafy = self._own(Batch(ctx, self._bare_program, leafy, leaves, _NEAR_CELL, *light, _THIN_BEYOND))

    def _load_programs(self, taps: int) -> None:
        files = ("courtyard.vert", "courtyard.frag")
        self._shadow_program = self._own(load_program(self._ctx, *files, {"SHADOWED": 1, "PCF_TAPS": taps}))
        self._plain_program = self._own(load_program(self._ctx, *files))
        self._bare_program = self._own(load_program(self._ctx, *files, {"BARE": 1}))
        self._far_program = self._own(load_program(self._ctx, *files, {"HAZY": 1}))
        self._moving_program = self._own(load_program(self._ctx, *files, {"MOVING": 1, "HAZY": 1}))
        self._sea_program = self._own(load_program(self._ctx, "courtyard_sea.vert", "courtyard_sea.frag"))
        self._sky_program = self._own(load_program(self._ctx, "courtyard_sky.vert", "courtyard_sky.frag"))
        self._near_programs = (self._shadow_program, self._plain_program, self._bare_program)
        self._hazy_programs = (self._far_program, self._moving_program, self._sea_program)
        for program in (self._shadow_program, self._plain_program, *self._hazy_programs):
            program["layers"] = _LAYERS
        self._shadow_program["shadow_map"] = _SHADOW
        self._shadow_program["to_sun"].write(_bytes(to_texture() @ sun_view()))
        self._sky_program["panorama"] = _PANORAMA

    def _own(self, thing: Any) -> Any:
        self._owned.append(thing)
        return thing

    def _open_dome(self, dome: Mesh) -> Any:
        data = self._own(self._ctx.buffer(np.concatenate([dome.position_N3, dome.uv_N2], 1).astype("<f4").tobytes()))
        index = self._own(self._ctx.buffer(dome.index_M3.astype("<i4").tobytes()))
        content = [(data, "3f 2f", "in_position", "in_uv")]
        return self._own(self._ctx.vertex_array(self._sky_program, content, index))

    def select(self, eye_3: Matrix, clips: list[Matrix], time: float) -> Selection:
        """What is to be drawn for the views (world to clip) of two eyes around a place."""
        return Selection(
            time=time,
            shadowed=self._shadowed.in_view(eye_3, clips),
            plain=self._plain.in_view(eye_3, clips),
            bare=self._bare.in_view(eye_3, clips),
            leafy=self._leafy.in_view(eye_3, clips),
            far=self._far.in_view(eye_3, clips),
            sea=self._sea.in_view(eye_3, clips),
            moving=self._moving.in_view(time, clips),
        )

    def draw(self, selection: Selection, clip_44: Matrix, eye_3: Matrix) -> None:
        """Draws one eye into the bound framebuffer, whose depth must be cleared to 1."""
        self._set_uniforms(_bytes(clip_44), np.ascontiguousarray(eye_3, "<f4").tobytes(), selection.time)
        for unit, texture in ((_LAYERS, self._layers), (_SHADOW, self._shadow), (_PANORAMA, self._panorama)):
            texture.use(unit)
        ctx = self._ctx
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        ctx.depth_func, ctx.front_face, ctx.cull_face = "<=", "ccw", "back"
        self._shadowed.draw(selection.shadowed)
        self._plain.draw(selection.plain)
        self._bare.draw(selection.bare)
        ctx.disable(moderngl.CULL_FACE)
        self._leafy.draw(selection.leafy)
        self._moving.draw(selection.moving)
        ctx.enable(moderngl.CULL_FACE)
        self._far.draw(selection.far)
        self._sea.draw(selection.sea)
        self._dome.render()
        ctx.disable(moderngl.CULL_FACE)

    def _set_uniforms(self, clip: bytes, eye: bytes, time: float) -> None:
        for program in (*self._near_programs, *self._hazy_programs, self._sky_program):
            program["to_clip"].write(clip)
        for program in self._hazy_programs:
            program["eye"].write(eye)
        self._moving_program["time"] = time
        self._sea_program["time"] = time

    def release(self) -> None:
        """Frees everything, the last opened first. May be called twice."""
        while self._owned:
            self._owned.pop().release()


def _bytes(matrix_44: Matrix) -> bytes:
    """Column-major, as GL wants it."""
    return np.ascontiguousarray(matrix_44.T, "<f4").tobytes()


def _shuffled_leaves(index_M3: NDArray[np.int32]) -> NDArray[np.int32]:
    """The leaves (two triangles each) in random order, so that any first part of them is an even sample."""
    leaves = index_M3.reshape(-1, 2, 3)
    return leaves[np.random.default_rng(1).permutation(len(leaves))].reshape(-1, 3)
