"""Textures that are shared with the runtime, as framebuffers to draw into."""

from collections.abc import Sequence
from typing import Any

import moderngl
from OpenGL import GL

from artem_vr.errors import DisplayError
from artem_vr.frame import Size
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.xr.library import xr
from artem_vr.xr.runtime import forget
from artem_vr.xr.session import Session

SRGB8_ALPHA8, SRGB8, RGBA16F, RGB10_A2, RGBA8 = 0x8C43, 0x8C41, 0x881A, 0x8059, 0x8058
DEPTH32F, DEPTH24, DEPTH24_STENCIL8, DEPTH32F_STENCIL8, DEPTH16 = 0x8CAC, 0x81A6, 0x88F0, 0x8CAD, 0x81A5

ENCODED = (SRGB8_ALPHA8, SRGB8)
"""Formats that hold colours as this program has them, encoded as sRGB: they are written as they are."""
_COLOURS = (*ENCODED, RGBA16F, RGB10_A2, RGBA8)
_DEPTHS = (DEPTH32F, DEPTH24, DEPTH24_STENCIL8, DEPTH32F_STENCIL8, DEPTH16)
_PATIENCE = 10_000_000_000
"""Nanoseconds to wait for the compositor to be done with an image. Usually it is at once; after that it hangs."""


def colour_format(offered: Sequence[int]) -> int:
    """The best colour format of those a runtime offers. Raises `DisplayError` when none is of use."""
    for wanted in _COLOURS:
        if wanted in offered:
            return wanted
    names = ", ".join(f"0x{number:04X}" for number in offered) or "none at all"
    raise DisplayError(f"the OpenXR runtime offers no colour format that OpenGL can draw here: {names}; update it")


def depth_format(offered: Sequence[int]) -> int | None:
    """The best depth format of those a runtime offers; None when there is none."""
    return next((wanted for wanted in _DEPTHS if wanted in offered), None)


class Swapchain:
    """Images of `size` in a runtime's format, one of which at a time is ours to draw into.

    Raises what OpenXR raises.
    """

    def __init__(self, session: Session, ctx: moderngl.Context, size: Size, image_format: int) -> None:
        self.size, self.image_format = size, image_format
        self._depth = image_format in _DEPTHS
        usage = xr.SwapchainUsageFlags.SAMPLED_BIT | (
            xr.SwapchainUsageFlags.DEPTH_STENCIL_ATTACHMENT_BIT
            if self._depth
            else xr.SwapchainUsageFlags.COLOR_ATTACHMENT_BIT
        )
        self.handle = xr.create_swapchain(
            session.handle,
            xr.SwapchainCreateInfo(
                usage_flags=usage,
                format=image_format,
                sample_count=1,
                width=size[0],
                height=size[1],
                face_count=1,
                array_size=1,
                mip_count=1,
            ),
        )
        self._framebuffers: list[moderngl.Framebuffer] = []
        self._textures: list[Any] = []
        try:
            for image in xr.enumerate_swapchain_images(self.handle, xr.SwapchainImageOpenGLKHR):
                self._wrap(ctx, image.image)
        except BaseException:
            self.close()
            raise

    def _wrap(self, ctx: moderngl.Context, name: int) -> None:
        if self._depth:
            self._framebuffers.append(_depth_framebuffer(ctx, name, self.image_format))
            return
        self._textures.append(ctx.external_texture(name, self.size, 4, 0, "f1"))
        self._framebuffers.append(ctx.framebuffer([self._textures[-1]]))

    @property
    def part(self) -> Any:
        """The whole image, for a composition layer."""
        return xr.SwapchainSubImage(
            swapchain=self.handle, image_rect=xr.Rect2Di(xr.Offset2Di(0, 0), xr.Extent2Di(*self.size))
        )

    def acquire(self) -> moderngl.Framebuffer:
        """The next image to draw into. Raises what OpenXR raises; `xr.TimeoutExpired` when the compositor holds it."""
        index = int(xr.acquire_swapchain_image(self.handle, xr.SwapchainImageAcquireInfo()))
        xr.wait_swapchain_image(self.handle, xr.SwapchainImageWaitInfo(timeout=_PATIENCE))
        return self._framebuffers[index]

    def release(self) -> None:
        """Hands the acquired image to the runtime."""
        xr.release_swapchain_image(self.handle, xr.SwapchainImageReleaseInfo())

    def close(self) -> None:
        """Gives the images back. May be called twice, and after the runtime has died."""
        while self._framebuffers:
            framebuffer = self._framebuffers.pop()
            release_framebuffer(framebuffer)
            if self._depth:
                GL.glDeleteFramebuffers(1, [framebuffer.glo])
        # What an external texture wraps is the runtime's: it is dropped, not released.
        self._textures = []
        if self.handle is not None:
            handle, self.handle = self.handle, None
            forget(xr.destroy_swapchain, handle)


def _depth_framebuffer(ctx: moderngl.Context, texture: int, image_format: int) -> moderngl.Framebuffer:
    """A framebuffer without colour. moderngl takes foreign textures for colour only, so it is made by hand."""
    name = GL.glGenFramebuffers(1)
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, name)
    both = image_format in (DEPTH24_STENCIL8, DEPTH32F_STENCIL8)
    attachment = GL.GL_DEPTH_STENCIL_ATTACHMENT if both else GL.GL_DEPTH_ATTACHMENT
    GL.glFramebufferTexture2D(GL.GL_FRAMEBUFFER, attachment, GL.GL_TEXTURE_2D, texture, 0)
    GL.glDrawBuffer(GL.GL_NONE)
    return ctx.detect_framebuffer(int(name))
