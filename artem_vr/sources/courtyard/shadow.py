"""The sun's shadow map: rendered once, used by the fragment shader and, on the host, by the vertices."""

import math
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import ArrayLike, NDArray

from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.gl.program import load_program
from artem_vr.sources.courtyard.light import SUN_WAY
from artem_vr.sources.courtyard.mesh import Mesh

SIZE = 2048
CENTER = np.array([0.2, 2.0, 0.3])
REACH = 14.5
"""Half the width of the square that the map covers, metres."""
DEPTH = 60.0
_BIAS = 0.05


def sun_view(towards: ArrayLike = SUN_WAY, reach: float = REACH) -> NDArray[np.float32]:
    """World to the map's clip coordinates (4x4): orthographic along a direction, around the courtyard."""
    back = np.asarray(towards, float)
    back = back / np.linalg.norm(back)
    side = np.cross([0, 1, 0] if abs(back[1]) < 0.98 else [0, 0, 1], back)
    side /= np.linalg.norm(side)
    axes = np.stack([side / reach, np.cross(back, side) / reach, -back / (DEPTH / 2)])
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ CENTER
    return matrix.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class DepthMap:
    """A depth picture as seen from the sun: `depth_HW` in [0, 1], row 0 at the lower edge, and how to get there."""

    clip_44: NDArray[np.float32]
    depth_HW: NDArray[np.float32]

    def lit(self, points_N3: NDArray[np.float32], bias: float = _BIAS, soft: int = 0) -> NDArray[np.float32]:
        """The share of light in [0, 1] that reaches points, averaged over (2 * soft + 1) squared texels."""
        height, width = self.depth_HW.shape
        clip = points_N3 @ self.clip_44[:3, :3].T + self.clip_44[:3, 3]
        place = ((clip[:, :2] * 0.5 + 0.5) * (width, height)).astype(np.int32)
        depth = clip[:, 2] * 0.5 + 0.5 - bias / DEPTH
        total = np.zeros(len(points_N3), np.float32)
        for dy in range(-soft, soft + 1):
            for dx in range(-soft, soft + 1):
                x, y = np.clip(place[:, 0] + dx, 0, width - 1), np.clip(place[:, 1] + dy, 0, height - 1)
                total += depth <= self.depth_HW[y, x]
        inside = (np.abs(clip[:, :2]) < 1).all(1)
        return np.where(inside, total / (2 * soft + 1) ** 2, 1).astype(np.float32)


class DepthCamera:
    """Renders meshes into orthographic depth maps."""

    def __init__(self, ctx: moderngl.Context, meshes: list[Mesh], size: int = SIZE) -> None:
        self._ctx, self._size = ctx, size
        self._program: Any = load_program(ctx, "courtyard_shadow.vert", "courtyard_shadow.frag")
        self._texture = ctx.depth_texture((size, size))
        self._target = ctx.framebuffer(depth_attachment=self._texture)
        self._buffers: list[moderngl.Buffer] = []
        self._arrays: list[moderngl.VertexArray] = []
        for mesh in meshes:
            points = ctx.buffer(np.ascontiguousarray(mesh.position_N3).tobytes())
            index = ctx.buffer(np.ascontiguousarray(mesh.index_M3).tobytes())
            self._buffers += [points, index]
            self._arrays.append(ctx.vertex_array(self._program, [(points, "3f", "in_position")], index))

    def take(self, clip_44: NDArray[np.float32]) -> DepthMap:
        """The depth map for a view such as `sun_view` gives."""
        self._target.use()
        self._ctx.enable_only(moderngl.DEPTH_TEST)
        self._target.clear(depth=1.0)
        self._program["to_clip"].write(np.ascontiguousarray(clip_44.T).tobytes())
        for array in self._arrays:
            array.render()
        depth = np.frombuffer(self._texture.read(), np.float32).reshape(self._size, self._size)
        return DepthMap(clip_44, depth)

    def release(self) -> None:
        """Frees the GL objects."""
        release_framebuffer(self._target)
        owned: list[Any] = [*self._arrays, *self._buffers, self._texture, self._program]
        for thing in owned:
            thing.release()


def take_depth_map(ctx: moderngl.Context, meshes: list[Mesh], size: int = SIZE) -> DepthMap:
    """The sun's depth map of some meshes."""
    camera = DepthCamera(ctx, meshes, size)
    try:
        return camera.take(sun_view())
    finally:
        camera.release()


def hemisphere(count: int) -> NDArray[np.float64]:
    """Evenly spread directions (count, 3) into the upper half space (a Fibonacci spiral)."""
    y = (np.arange(count) + 0.5) / count
    angle = np.arange(count) * math.pi * (3 - math.sqrt(5))
    r = np.sqrt(1 - y * y)
    return np.stack([r * np.cos(angle), y, r * np.sin(angle)], 1)


def to_texture() -> NDArray[np.float32]:
    """Clip coordinates to the map's texture coordinates (4x4), a little towards the sun against self-shadowing."""
    half = np.diag([0.5, 0.5, 0.5, 1.0]).astype(np.float32)
    half[:3, 3] = 0.5
    half[2, 3] -= _BIAS / DEPTH
    return half


def shadow_texture(ctx: moderngl.Context, sun: DepthMap) -> moderngl.Texture:
    """The map as a texture that compares: 1 where light arrives, filtered between neighbours."""
    height, width = sun.depth_HW.shape
    texture = ctx.depth_texture((width, height), np.ascontiguousarray(sun.depth_HW).tobytes())
    texture.compare_func = "<="
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
