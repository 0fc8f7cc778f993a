"""Pictures from host memory into the eyes' textures: fitted whole, upright, and only when they are new."""

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.frame import EYES, GlFrame, HostFrame, Size
from artem_vr.gl.area import AreaFilter, shrunk_size
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.gl.fullscreen import Viewport

_GROUND = (0.07, 0.07, 0.07, 1.0)
"""What surrounds a picture that has another shape than the eye: a neutral dark grey."""


class FrameUploader:
    """Turns `HostFrame` into `GlFrame`, and remembers the last one."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._area = AreaFilter(ctx)
        self._staging: moderngl.Texture | None = None
        self._eyes: list[_EyeTexture] = []
        self._rgba_HWC = self._flipped_HWC = np.empty((0, 0, 4), np.uint8)
        self._done: tuple[HostFrame, Size, GlFrame] | None = None

    def upload(self, frame: HostFrame, eye_size: Size) -> GlFrame:
        """The frame as textures of `eye_size` (RGBA8), the picture as large as it fits (`content`), on a dark ground.

        The same frame at the same size gives the very same object again, with no work. A picture with one eye is
        drawn once and shown to both; two go with the frame (`pair_EHWC`). The textures are overwritten by the next
        frame.
        """
        if self._done is not None and self._done[0] is frame and self._done[1] == eye_size:
            return self._done[2]
        count = len(frame.rgb_EHWC)
        self._allocate(count, eye_size)
        viewport = _fitted((frame.rgb_EHWC.shape[2], frame.rgb_EHWC.shape[1]), eye_size)
        for eye, rgb_HWC in zip(self._eyes, frame.rgb_EHWC, strict=True):
            self._draw(rgb_HWC, eye, viewport)
        colors = self._eyes[0].texture, self._eyes[count - 1].texture
        content = None if viewport[2:] == eye_size else viewport
        pair_EHWC = frame.rgb_EHWC if count == EYES else None
        result = GlFrame(frame.sequence, frame.captured_at, colors, frame.eyes, content=content, pair_EHWC=pair_EHWC)
        self._done = frame, eye_size, result
        return result

    def _draw(self, rgb_HWC: NDArray[np.uint8], eye: "_EyeTexture", viewport: Viewport) -> None:
        width, height = viewport[2:]
        pixels_HWC = self._upright_rgba(_shrink(rgb_HWC, (width, height)))
        eye.make_ground(viewport)
        if pixels_HWC.shape[:2] == (height, width):
            eye.texture.write(pixels_HWC, viewport=viewport)
        else:
            self._area.draw(self._stage(pixels_HWC), eye.framebuffer, viewport)

    def _upright_rgba(self, rgb_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bottom row first and with four bytes a pixel: with three, drivers take ten times as long to unpack them."""
        shape = *rgb_HWC.shape[:2], 4
        if self._rgba_HWC.shape != shape:
            # Kept: megabytes of new memory for each frame would cost more than all that is done with them.
            self._rgba_HWC, self._flipped_HWC = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2RGBA, dst=self._rgba_HWC)
        cv2.flip(self._rgba_HWC, 0, dst=self._flipped_HWC)
        return self._flipped_HWC

    def _stage(self, pixels_HWC: NDArray[np.uint8]) -> moderngl.Texture:
        size = pixels_HWC.shape[1], pixels_HWC.shape[0]
        if self._staging is None or self._staging.size != size:
            if self._staging is not None:
                self._staging.release()
            self._staging = self._ctx.texture(size, 4)
        self._staging.write(pixels_HWC)
        return self._staging

    def _allocate(self, count: int, size: Size) -> None:
        if len(self._eyes) == count and self._eyes[0].texture.size == size:
            return
        self._free_eyes()
        self._eyes = [_EyeTexture(self._ctx, size) for _ in range(count)]

    def _free_eyes(self) -> None:
        self._done = None
        for eye in self._eyes:
            eye.release()
        self._eyes = []

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._free_eyes()
        if self._staging is not None:
            self._staging.release()
            self._staging = None
        self._area.release()


class _EyeTexture:
    """A colour texture and the framebuffer that draws into it."""

    def __init__(self, ctx: moderngl.Context, size: Size) -> None:
        self.texture = ctx.texture(size, 4)
        self.framebuffer = ctx.framebuffer([self.texture])
        self._picture: Viewport | None = None

    def make_ground(self, picture: Viewport) -> None:
        """Clears what is not covered by the picture; once, for pictures of the same shape."""
        if picture != self._picture:
            self.framebuffer.clear(*_GROUND)
            self._picture = picture

    def release(self) -> None:
        release_framebuffer(self.framebuffer)
        self.texture.release()


def _fitted(picture: Size, eye: Size) -> Viewport:
    """Where a picture stands in an eye: as large as it fits, in the middle."""
    width, height = shrunk_size(picture, eye)
    return (eye[0] - width) // 2, (eye[1] - height) // 2, width, height


def _shrink(rgb_HWC: NDArray[np.uint8], target: Size) -> NDArray[np.uint8]:
    """The picture shrunk by whole numbers, so that less than half is left for the GPU.

    Whole numbers are what an area average is fast and exact for; it also keeps large pictures off the bus.
    """
    height, width = rgb_HWC.shape[:2]
    across, down = max(1, width // target[0]), max(1, height // target[1])
    if across == down == 1:
        return np.ascontiguousarray(rgb_HWC)
    size = width // across, height // down
    inside_HWC = rgb_HWC[: size[1] * down, : size[0] * across]
    return np.asarray(cv2.resize(inside_HWC, size, interpolation=cv2.INTER_AREA), np.uint8)
