"""A flat picture as a rectangle in the world."""

import math

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.gl.context import is_software
from artem_vr.gl.fullscreen import Viewport
from artem_vr.gl.program import load_program

Matrix = NDArray[np.float64]


class WorldQuad:
    """Draws a part of a texture as a rectangle in the world, edges softened, over what is there."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        # Finer filtering where it costs nothing: to the processor, every level is one more picture to compute.
        self._mipmaps = not is_software(ctx)
        self._program = load_program(ctx, "world_screen.vert", "world_screen.frag")
        self._program["picture"] = 0
        self._vertices = ctx.vertex_array(self._program, [])
        self._plain = _sampler(ctx, moderngl.LINEAR)
        self._shrinking = _sampler(ctx, moderngl.LINEAR_MIPMAP_LINEAR)

    def draw(
        self,
        framebuffer: moderngl.Framebuffer,
        viewport: Viewport,
        texture: moderngl.Texture,
        content: Viewport,
        rectangle: tuple[float, float, float, float],
        to_clip_44: Matrix,
        density: float,
        opacity: float = 1.0,
    ) -> None:
        """Draws the texels of `content` on `rectangle` (left, low, width, height in metres, in its own plane).

        `to_clip_44` takes that plane to clip coordinates. `density` is how many texels lie on a pixel of the
        viewport along each axis. `opacity` is laid over the texture's alpha, by which its
        colours are not multiplied.
        """
        shrinking = self._mipmaps and density > 1
        if shrinking:
            texture.build_mipmaps()
        # Half a texel inside, of the coarsest level that may be read: what is beside it is another picture.
        level = math.ceil(math.log2(density)) if shrinking else 0
        size = np.array(texture.size, np.float64)
        low, extent = np.array(content[:2]) / size, np.array(content[2:]) / size
        inset = np.minimum(0.5 * 2**level / size, extent / 2)
        self._program["to_clip"] = tuple(to_clip_44.T.ravel())
        self._program["rectangle"] = rectangle
        self._program["opacity"] = opacity
        self._program["content"] = (*low, *extent)
        self._program["bounds"] = (*(low + inset), *(low + extent - inset))
        self._ctx.enable_only(moderngl.BLEND)
        self._ctx.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        framebuffer.use()
        framebuffer.viewport = viewport
        texture.use(0)
        sampler = self._shrinking if shrinking else self._plain
        sampler.use(0)
        self._vertices.render(moderngl.TRIANGLE_STRIP, vertices=4)
        sampler.clear(0)

    def release(self) -> None:
        """Frees the GL objects. May be called twice."""
        for item in (self._plain, self._shrinking, self._vertices, self._program):
            item.release()


def _sampler(ctx: moderngl.Context, shrinking: int) -> moderngl.Sampler:
    return ctx.sampler(repeat_x=False, repeat_y=False, filter=(shrinking, moderngl.LINEAR))
