"""The eyes' pictures on their way into OpenXR's projection layer."""

import contextlib

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import FAR, NEAR
from artem_vr.displays.side_by_side import SideBySide
from artem_vr.errors import DisplayError
from artem_vr.frame import EYES, GlFrame, Size
from artem_vr.gl.fullscreen import FullscreenPass, Viewport
from artem_vr.xr.library import xr
from artem_vr.xr.runtime import DEPTH, Runtime
from artem_vr.xr.session import Frame, Session
from artem_vr.xr.space import LocatedEyes, WorldSpace
from artem_vr.xr.swapchain import ENCODED, Swapchain, colour_format, depth_format

_SMALLEST_EYE = 64


class EyeImages:
    """A swapchain of `size` pixels for each eye, and one for its depth if `depth` is wanted and the runtime takes it.

    The program's colours are encoded as sRGB, and so are the swapchain's formats where the runtime has such: then the
    eyes are drawn straight into its images. With `keep`, or with other formats, they are drawn into a picture of our
    own first, which `read_pixels` reads, and copied or brought to linear light from there.

    Raises `DisplayError` when no format is of use, and what OpenXR raises.
    """

    def __init__(
        self, runtime: Runtime, session: Session, ctx: moderngl.Context, size: Size, keep: bool, depth: bool
    ) -> None:
        self.size = size
        offered = [int(number) for number in xr.enumerate_swapchain_formats(session.handle)]
        self.colour_format = colour_format(offered)
        self.depth_format = depth_format(offered) if depth and DEPTH in runtime.extensions else None
        self._images: list[moderngl.Framebuffer] = []
        self._picture: SideBySide | None = None
        with contextlib.ExitStack() as opened:
            self._colours = [self._swapchain(opened, session, ctx, self.colour_format) for _ in range(EYES)]
            self._depths = []
            if self.depth_format is not None:
                self._depths = [self._swapchain(opened, session, ctx, self.depth_format) for _ in range(EYES)]
            encoded = self.colour_format in ENCODED
            if keep or not encoded:
                self._picture = SideBySide(ctx, (EYES * self.size[0], self.size[1]))
                opened.callback(self._picture.close)
            self._copy = FullscreenPass(ctx, "blit.frag" if encoded else "decode.frag", ["frame"])
            opened.callback(self._copy.release)
            self._copy_depth = FullscreenPass(ctx, "depth.frag", ["depth"])
            opened.callback(self._copy_depth.release)
            self._opened = opened.pop_all()

    def _swapchain(
        self, opened: contextlib.ExitStack, session: Session, ctx: moderngl.Context, image_format: int
    ) -> Swapchain:
        swapchain = Swapchain(session, ctx, self.size, image_format)
        opened.callback(swapchain.close)
        return swapchain

    @property
    def picture(self) -> SideBySide | None:
        """The picture of our own, if there is one."""
        return self._picture

    def acquire(self) -> None:
        """Takes the images of this frame. Raises what OpenXR raises."""
        self._images = [swapchain.acquire() for swapchain in self._colours]

    def target(self, eye: int) -> tuple[moderngl.Framebuffer, Viewport]:
        """Where eye 0 (left) or 1 (right) is drawn, between `acquire` and `finish`."""
        if self._picture is not None:
            return self._picture.framebuffer, self._picture.viewport(eye)
        return self._images[eye], (0, 0, *self.size)

    def finish(self, frame: Frame, located: LocatedEyes, space: WorldSpace, drawn: GlFrame | None) -> None:
        """Hands the images over and adds the layer to `frame`; with the depth of what was `drawn`, if it has some.

        Raises what OpenXR raises.
        """
        if self._picture is not None:
            for eye, image in enumerate(self._images):
                # The viewport is as wide as both eyes, and moved so that this one lies on the image.
                wide = -eye * self.size[0], 0, *self._picture.size
                self._copy.draw(image, wide, [self._picture.texture], [False])
        for swapchain in self._colours:
            swapchain.release()
        depths = self._hand_over_depth(drawn)
        views = [
            xr.CompositionLayerProjectionView(
                pose=view.pose, fov=view.fov, sub_image=swapchain.part, next=depths[eye] if depths else None
            )
            for eye, (view, swapchain) in enumerate(zip(located.views, self._colours, strict=True))
        ]
        frame.kept += [depths, views]
        frame.layers.append(xr.CompositionLayerProjection(space=space.handle, views=views))

    def _hand_over_depth(self, drawn: GlFrame | None) -> list[xr.CompositionLayerDepthInfoKHR]:
        if drawn is None or drawn.depth is None or not self._depths:
            return []
        infos = []
        for texture, swapchain in zip(drawn.depth, self._depths, strict=True):
            image = swapchain.acquire()
            smooth = texture.size != self.size
            self._copy_depth.draw(image, (0, 0, *self.size), [texture], [smooth], depth=True)
            swapchain.release()
            infos.append(
                xr.CompositionLayerDepthInfoKHR(
                    sub_image=swapchain.part, min_depth=0.0, max_depth=1.0, near_z=NEAR, far_z=FAR
                )
            )
        return infos

    def read_pixels(self) -> NDArray[np.uint8]:
        """The last frame: uint8 RGB (H, 2 W, 3), top row first. Raises `DisplayError` when it was not kept."""
        if self._picture is None:
            raise DisplayError("this display keeps no pictures: open it with keep=True")
        return self._picture.read_pixels()

    def close(self) -> None:
        """Gives everything back. May be called twice, and after the runtime has died."""
        self._opened.close()


def scaled_eye(size: Size, scale: float, largest: Size) -> Size:
    """`size` times `scale` along each side: even numbers, which every network and film likes, and at most `largest`."""
    width, height = (
        max(_SMALLEST_EYE, 2 * (min(round(side * scale), most) // 2)) for side, most in zip(size, largest, strict=True)
    )
    return width, height
