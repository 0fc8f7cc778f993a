"""The picture of a flat display: both eyes beside each other in one framebuffer, with text over them."""

import contextlib

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.displays.overlay import TextOverlay
from artem_vr.errors import UsageError
from artem_vr.frame import EYES, GlFrame, Size
from artem_vr.gl.framebuffer import release_framebuffer
from artem_vr.gl.fullscreen import Viewport
from artem_vr.ports import Action, Controls


class SideBySide:
    """A framebuffer of `size` pixels in all, the left eye in its left half."""

    def __init__(self, ctx: moderngl.Context, size: Size) -> None:
        self._ctx = ctx
        self._overlay = TextOverlay(ctx)
        try:
            self._allocate(size)
        except Exception:
            self._overlay.close()
            raise

    def _allocate(self, size: Size) -> None:
        if size[0] < EYES or size[1] < 1:
            raise UsageError(f"a display of {size[0]}x{size[1]} has no room for two eyes: choose a larger size")
        self.size = size
        self.eye_size: Size = (size[0] // EYES, size[1])
        # Kept for reading back: a recording reads every frame, and new memory costs more than the copy.
        self._rgba_HWC = np.empty((size[1], size[0], 4), np.uint8)
        self._rgb_HWC = np.empty((size[1], size[0], 3), np.uint8)
        self.texture = self._ctx.texture(size, 4)
        self.framebuffer = self._ctx.framebuffer([self.texture])
        self.framebuffer.clear(0.0, 0.0, 0.0, 1.0)

    def resize(self, size: Size) -> None:
        """Another size; what was drawn is lost. Does nothing when it is the same."""
        if size != self.size:
            self._free()
            self._allocate(size)

    def viewport(self, eye: int) -> Viewport:
        """Where eye 0 (left) or 1 (right) is drawn."""
        return eye * self.eye_size[0], 0, *self.eye_size

    def show_text(self, lines: list[str]) -> None:
        """The text that `draw_text` lays over the picture; none for an empty list."""
        self._overlay.lines = list(lines)

    def draw_text(self) -> None:
        """Lays the text over each eye, at the same place in both."""
        for eye in range(EYES):
            self._overlay.draw(self.framebuffer, self.viewport(eye))

    def read_pixels(self) -> NDArray[np.uint8]:
        """What was drawn: uint8 RGB (H, W, 3), top row first."""
        self.framebuffer.read_into(self._rgba_HWC, components=4)
        cv2.cvtColor(self._rgba_HWC, cv2.COLOR_RGBA2RGB, dst=self._rgb_HWC)
        return np.asarray(cv2.flip(self._rgb_HWC, 0), np.uint8)

    def _free(self) -> None:
        release_framebuffer(self.framebuffer)
        self.texture.release()

    def close(self) -> None:
        """Frees the GL objects. May be called twice."""
        self._free()
        self._overlay.close()


class SideBySideDisplay:
    """What displays of such a picture have in common: the part of `artem_vr.ports.Display` between two frames.

    A subclass opens `ctx` and `_picture`, notes in `_opened` what to close, and in `_pending` what was asked for.
    """

    ctx: moderngl.Context
    _picture: SideBySide
    _opened: contextlib.ExitStack
    _pending: list[Action]

    def expect(self, frame: GlFrame) -> None:
        """A flat picture is the same whatever it is made from."""

    def target(self, eye: int) -> tuple[moderngl.Framebuffer, Viewport]:
        """The side-by-side framebuffer and the eye's half of it."""
        return self._picture.framebuffer, self._picture.viewport(eye)

    def actions(self) -> list[Action]:
        """What was asked for since the last call, oldest first."""
        pending, self._pending = self._pending, []
        return pending

    def controls(self) -> Controls:
        """Nothing is held: keys act when they are pressed."""
        return Controls()

    def show_text(self, lines: list[str]) -> None:
        """Text over the picture from the next `end_frame` on; an empty list takes it away."""
        self._picture.show_text(lines)

    def read_pixels(self) -> NDArray[np.uint8]:
        """The last ended frame: uint8 RGB (H, W, 3), top row first. Call it before the next frame is drawn."""
        return self._picture.read_pixels()

    def close(self) -> None:
        """Closes the picture, the context and the window if there is one. May be called twice."""
        self._opened.close()
