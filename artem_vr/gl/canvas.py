"""A texture that is drawn into."""

import moderngl

from artem_vr.frame import Size
from artem_vr.gl.framebuffer import release_framebuffer


class Canvas:
    """A texture of `size` with so many channels, and the framebuffer around it. `dtype` is moderngl's."""

    def __init__(self, ctx: moderngl.Context, size: Size, channels: int, dtype: str = "f1") -> None:
        self.size = size
        self.texture = ctx.texture(size, channels, dtype=dtype)
        self.framebuffer = ctx.framebuffer([self.texture])

    def release(self) -> None:
        """Frees the GL objects. May be called twice."""
        release_framebuffer(self.framebuffer)
        self.texture.release()
