"""Mouse and keys that move a `FreeCamera` through the scene, the way 3D editors do it."""

from typing import Any

import glfw

from artem_vr.camera import FreeCamera
from artem_vr.displays import keys

_RADIANS_PER_PIXEL = 0.003


class MouseLook:
    """While a mouse button is held: the mouse looks around, W A S D Q E walk, and the pointer is hidden."""

    def __init__(self, window: Any, camera: FreeCamera) -> None:
        self._window = window
        self._camera = camera
        self._buttons: set[int] = set()
        self._held: set[int] = set()
        self._pointer = 0.0, 0.0

    @property
    def active(self) -> bool:
        """True while a mouse button is held."""
        return bool(self._buttons)

    def on_button(self, button: int, pressed: bool) -> None:
        """A mouse button went down or up."""
        if button not in (glfw.MOUSE_BUTTON_LEFT, glfw.MOUSE_BUTTON_RIGHT):
            return
        (self._buttons.add if pressed else self._buttons.discard)(button)
        glfw.set_input_mode(self._window, glfw.CURSOR, glfw.CURSOR_DISABLED if self.active else glfw.CURSOR_NORMAL)
        self._pointer = glfw.get_cursor_pos(self._window)
        if not self.active:
            self._held.clear()

    def on_pointer(self, x: float, y: float) -> None:
        """The mouse moved."""
        if self.active:
            self._camera.look((self._pointer[0] - x) * _RADIANS_PER_PIXEL, (self._pointer[1] - y) * _RADIANS_PER_PIXEL)
        self._pointer = x, y

    def on_key(self, key: int, pressed: bool) -> bool:
        """A key went down or up; true when it was one that walks."""
        if not pressed:
            self._held.discard(key)
        elif self.active and key in keys.WALK:
            self._held.add(key)
            return True
        return False

    def walk(self, seconds: float) -> None:
        """Walks for as long as the last frame took."""
        right, up, forward = (
            sum(axis) for axis in zip((0, 0, 0), *(keys.WALK[key] for key in self._held), strict=True)
        )
        self._camera.walk(right, up, forward, seconds)
