"""One fragment shader over a rectangle of a framebuffer: the form of every image pass of this program."""

from collections.abc import Sequence
from typing import Any

import moderngl

from artem_vr.gl.program import load_program

Viewport = tuple[int, int, int, int]
"""x, y, width, height in pixels, from the lower left corner."""


class FullscreenPass:
    """A program that fills a viewport from some textures.

    The textures are bound to units 0, 1, ... in the order of `inputs`, which names the shader's samplers. They are
    read clamped to their edges, whatever their own settings are: these belong to whoever made the texture.
    """

    def __init__(
        self, ctx: moderngl.Context, fragment: str, inputs: Sequence[str], defines: dict[str, int | float] | None = None
    ) -> None:
        self._ctx = ctx
        self._program = load_program(ctx, "fullscreen.vert", fragment, defines)
        self._uniforms = set(self._program)
        for unit, name in enumerate(inputs):
            # The compiler drops what a shader ends up not needing.
            if name in self._uniforms:
                self._program[name] = unit
        self._vertices = ctx.vertex_array(self._program, [])
        self._nearest = _sampler(ctx, moderngl.NEAREST)
        self._linear = _sampler(ctx, moderngl.LINEAR)

    def draw(
        self,
        framebuffer: moderngl.Framebuffer,
        viewport: Viewport,
        textures: Sequence[moderngl.Texture],
        smooth: Sequence[bool],
        blend: bool = False,
        within: Viewport | None = None,
        depth: bool = False,
        **uniforms: Any,
    ) -> None:
        """Fills `viewport`. `smooth[i]` chooses linear over nearest filtering for texture i.

        With `blend` the shader's premultiplied colour is laid over what is there. With `within` only the pixels of
        that part of the framebuffer are drawn. With `depth` the shader's depth replaces what is there.
        """
        # A source may have left depth tests or culling on.
        self._ctx.enable_only(moderngl.BLEND if blend else moderngl.NOTHING)
        if blend:
            self._ctx.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        if depth:
            self._ctx.enable(moderngl.DEPTH_TEST)  # without the test nothing is written either
            self._ctx.depth_func = "1"  # always
        framebuffer.use()
        framebuffer.viewport = viewport
        if within is not None:
            framebuffer.scissor = within
        for unit, (texture, linear) in enumerate(zip(textures, smooth, strict=True)):
            texture.use(unit)
            (self._linear if linear else self._nearest).use(unit)
        for name, value in uniforms.items():
            # A footprint of one texel for example is dropped too.
            if name in self._uniforms:
                self._program[name] = value
        self._vertices.render(moderngl.TRIANGLES, vertices=3)
        if within is not None:
            framebuffer.scissor = None  # type: ignore[assignment]  # moderngl's own way to switch it off
        for unit in range(len(textures)):
            self._nearest.clear(unit)

    def release(self) -> None:
        """Frees the GL objects. May be called twice."""
        for item in (self._linear, self._nearest, self._vertices, self._program):
            item.release()


def _sampler(ctx: moderngl.Context, texture_filter: int) -> moderngl.Sampler:
    return ctx.sampler(repeat_x=False, repeat_y=False, filter=(texture_filter, texture_filter))
