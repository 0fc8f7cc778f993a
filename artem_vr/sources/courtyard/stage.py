"""The courtyard on the device: all batches and programs, drawn for one eye at a time."""

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.gl.context import is_software
from artem_vr.gl.program import load_program
from artem_vr.sources.courtyard import sky
from artem_vr.sources.courtyard.batch import Batch
from artem_vr.sources.courtyard.chunks import VERTEX_FORMAT, Chunk, needs_shadow_map, vertices
from artem_vr.sources.courtyard.mesh import Mesh
from artem_vr.sources.courtyard.occlusion import bake_occlusion, load_occlusion
from artem_vr.sources.courtyard.paint import Layer
from artem_vr.sources.courtyard.shadow import DepthMap, sun_view, take_depth_map
from artem_vr.sources.courtyard.textures import texture_array
from artem_vr.sources.courtyard.world import World, build_world

_LAYERS, _SHADOW, _PANORAMA = 0, 1, 2
_NAMES = ("in_position", "in_uv", "in_shade", "in_sun")
Matrix = NDArray[np.float32]


class Stage:
    """Owns every GL object of the scene except the targets it is drawn into."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._owned: list[Any] = []
        try:
            self._open(build_world(), is_software(ctx))
        except BaseException:
            self.release()
            raise

    def _open(self, world: World, software: bool) -> None:
        ctx = self._ctx
        self._layers = self._own(texture_array(ctx, software))
        self._panorama = self._own(sky.panorama_texture(ctx))
        sun = take_depth_map(ctx, [world.solid, world.leafy])
        self._shadow = self._own(_shadow_texture(ctx, sun))
        self._load_programs(1 if software else 4)
        occlusion = load_occlusion([world.solid, world.leafy])
        if occlusion is None:  # the asset is of another version: slower to start, but right
            baked = bake_occlusion(ctx, [world.solid, world.leafy], [world.solid, world.leafy])
            occlusion = [part.astype(np.float32) / 255 for part in baked]
        mixed = needs_shadow_map(world.solid, sun)
        lifted = world.solid.position_N3 + world.solid.normal_N3 * np.float32(0.03)
        lit = sun.lit(lifted, soft=2)
        # A triangle without a shadow's edge is lit as its middle is, also where a vertex touches a neighbour.
        solid = (world.solid, occlusion[0], lit)
        self._shadowed = self._batch(self._shadow_program, solid, world.solid.index_M3[mixed], 3.2)
        self._plain = self._batch(self._plain_program, solid, world.solid.index_M3[~mixed], 3.2)
        leafy = (world.leafy, occlusion[1], sun.lit(world.leafy.position_N3, 0.12, soft=4))
        self._leafy = self._batch(self._plain_program, leafy, world.leafy.index_M3, 3.2)
        self._far = self._batch(self._plain_program, (world.far, 1.0, 1.0), world.far.index_M3, 32.0)
        self._open_moving(world)
        self._sea = self._simple(self._sea_program, world.sea, sea=True)
        self._dome = self._simple(self._sky_program, sky.dome(), sea=False)

    def _load_programs(self, taps: int) -> None:
        files = ("courtyard.vert", "courtyard.frag")
        self._shadow_program = self._own(load_program(self._ctx, *files, {"SHADOWED": 1, "PCF_TAPS": taps}))
        self._plain_program = self._own(load_program(self._ctx, *files))
        self._moving_program = self._own(load_program(self._ctx, *files, {"MOVING": 1}))
        self._sea_program = self._own(load_program(self._ctx, "courtyard_sea.vert", "courtyard_sea.frag"))
        self._sky_program = self._own(load_program(self._ctx, "courtyard_sky.vert", "courtyard_sky.frag"))
        self._shadow_program["shadow_map"] = _SHADOW
        self._shadow_program["to_sun"].write(_bytes(_to_texture() @ sun_view()))
        self._sky_program["panorama"] = _PANORAMA
        self._sea_program["water_layer"] = float(Layer.WATER)
        for program in (self._shadow_program, self._plain_program, self._moving_program, self._sea_program):
            program["layers"] = _LAYERS

    def _own(self, thing: Any) -> Any:
        self._owned.append(thing)
        return thing

    def _batch(
        self, program: moderngl.Program, lit_mesh: tuple[Mesh, Any, Any], index: NDArray[np.int32], cell: float
    ) -> Batch:
        mesh, occlusion, lit = lit_mesh
        batch: Batch = self._own(Batch(self._ctx, program, mesh, index, occlusion, lit, cell))
        return batch

    def _open_moving(self, world: World) -> None:
        still = lambda time: np.eye(4, dtype=np.float32)  # noqa: E731
        self._moving = [
            (self._moving_array(mesh), place)
            for mesh, place in [(world.flowing, still), *((mover.mesh, mover.place) for mover in world.movers)]
        ]

    def _moving_array(self, mesh: Mesh) -> moderngl.VertexArray:
        data = self._own(self._ctx.buffer(vertices(mesh, 0.9, 1.0).tobytes()))
        motion = self._own(self._ctx.buffer(np.stack([mesh.sway_N, mesh.flow_N], 1).astype("<f4").tobytes()))
        index = self._own(self._ctx.buffer(mesh.index_M3.astype("<i4").tobytes()))
        content = [(data, VERTEX_FORMAT, *_NAMES), (motion, "2f", "in_motion")]
        array: moderngl.VertexArray = self._own(self._ctx.vertex_array(self._moving_program, content, index))
        return array

    def _simple(self, program: moderngl.Program, mesh: Mesh, sea: bool) -> moderngl.VertexArray:
        way = mesh.position_N3 - np.array([0, 1.65, 0], np.float32) if sea else mesh.position_N3
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        columns = [mesh.position_N3, mesh.uv_N2, *([sky.sea_color(way)] if sea else [])]
        data = self._own(self._ctx.buffer(np.concatenate(columns, 1).astype("<f4").tobytes()))
        index = self._own(self._ctx.buffer(mesh.index_M3.astype("<i4").tobytes()))
        names = ("in_position", "in_uv", "in_color")[: len(columns)]
        content = [(data, "3f 2f 3f" if sea else "3f 2f", *names)]
        array: moderngl.VertexArray = self._own(self._ctx.vertex_array(program, content, index))
        return array

    def choose(self, eye_3: Matrix, clips: list[Matrix]) -> list[tuple[Batch, list[Chunk]]]:
        """What both eyes together see, in the order of drawing."""
        batches = (self._shadowed, self._plain, self._leafy, self._far)
        return [(batch, batch.in_view(eye_3, clips)) for batch in batches]

    def draw(self, chosen: list[tuple[Batch, list[Chunk]]], clip_44: Matrix, eye_3: Matrix, time: float) -> None:
        """Draws one eye into the bound framebuffer, whose depth must be cleared to 1."""
        self._layers.use(_LAYERS)
        self._shadow.use(_SHADOW)
        self._panorama.use(_PANORAMA)
        for program in (self._shadow_program, self._plain_program, self._moving_program, self._sea_program):
            program["to_clip"].write(_bytes(clip_44))
            program["eye"].write(np.ascontiguousarray(eye_3, "<f4").tobytes())
        self._sky_program["to_clip"].write(_bytes(clip_44))
        self._moving_program["time"] = time
        self._sea_program["time"] = time
        self._ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._ctx.depth_func = "<="
        for batch, chunks in chosen[:2]:
            batch.draw(chunks)
        self._ctx.disable(moderngl.CULL_FACE)
        chosen[2][0].draw(chosen[2][1])
        for array, place in self._moving:
            self._moving_program["model"].write(_bytes(place(time)))
            array.render()
        self._ctx.enable(moderngl.CULL_FACE)
        chosen[3][0].draw(chosen[3][1])
        self._sea.render()
        self._dome.render()
        self._ctx.disable(moderngl.CULL_FACE)

    def release(self) -> None:
        """Frees everything, the last opened first. May be called twice."""
        while self._owned:
            self._owned.pop().release()


def _bytes(matrix_44: Matrix) -> bytes:
    """Column-major, as GL wants it."""
    return np.ascontiguousarray(matrix_44.T, "<f4").tobytes()


def _to_texture() -> Matrix:
    """Clip coordinates to the shadow map's texture coordinates, a little towards the sun against self-shadowing."""
    half = np.diag([0.5, 0.5, 0.5, 1.0]).astype(np.float32)
    half[:3, 3] = 0.5
    half[2, 3] -= 0.04 / 60.0
    return half


def _shadow_texture(ctx: moderngl.Context, sun: DepthMap) -> moderngl.Texture:
    height, width = sun.depth_HW.shape
    texture = ctx.depth_texture((width, height), np.ascontiguousarray(sun.depth_HW).tobytes())
    texture.compare_func = "<="
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
