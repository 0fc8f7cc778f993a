"""A window that shows both eyes side by side."""

import contextlib
import time
from typing import Any

import glfw

from artem_vr.camera import FreeCamera, HeadPath, stereo_views
from artem_vr.displays import keys
from artem_vr.displays.mouse_look import MouseLook
from artem_vr.displays.side_by_side import SideBySide, SideBySideDisplay
from artem_vr.frame import EYES, FrameRequest, Size
from artem_vr.gl.fullscreen import FullscreenPass
from artem_vr.gl.window import open_window, window_context
from artem_vr.ports import Action

LONGEST_STEP = 0.1
"""Seconds: after a stall the camera walks on from where it was, instead of through a wall."""
_USUAL_REFRESH = 60.0


class GlfwDisplay(SideBySideDisplay):
    """A window of `size` (both eyes, in screen coordinates) at the monitor's rate, following `path` until taken over.

    `artem_vr.displays.keys` says which key does what. It ends after `frames` frames (None: never), with escape, or
    when the window is closed. Raises `DisplayError` without a screen, or when the window gets no OpenGL 3.3.
    """

    name = "window"

    def __init__(self, size: Size, path: HeadPath, frames: int | None = None, title: str = "Art'Em VR") -> None:
        self.help_lines = keys.HELP
        self.missed_frames: int | None = 0
        self._frames = frames
        self._sequence = 0
        self._pending = []
        self._start: float | None = None
        self._last = 0.0
        self._windowed = (0, 0, *size)
        self._camera = FreeCamera(path)
        with contextlib.ExitStack() as opened:
            self._window = open_window(opened, size, title)
            self.ctx = window_context(self._window)
            opened.callback(self.ctx.release)
            self._picture = SideBySide(self.ctx, self._framebuffer_size(size))
            opened.callback(self._picture.close)
            self._blit = FullscreenPass(self.ctx, "blit.frag", ["frame"])
            opened.callback(self._blit.release)
            self._opened = opened.pop_all()
        glfw.swap_interval(1)
        self._period = 1 / _refresh_rate()
        self._mouse = MouseLook(self._window, self._camera)
        glfw.set_key_callback(self._window, self._on_key)
        glfw.set_mouse_button_callback(
            self._window, lambda _, button, action, mods: self._mouse.on_button(button, action == glfw.PRESS)
        )
        glfw.set_cursor_pos_callback(self._window, lambda _, x, y: self._mouse.on_pointer(x, y))

    @property
    def refresh_rate(self) -> float | None:
        """The monitor's, in frames a second."""
        return 1 / self._period

    def begin_frame(self) -> FrameRequest | None:
        """The next frame; None when the window was closed or all frames are shown."""
        glfw.poll_events()
        if glfw.window_should_close(self._window) or (self._frames is not None and self._sequence >= self._frames):
            return None
        self._picture.resize(self._framebuffer_size(self._picture.size))
        now = self._wait()
        if self._start is None:
            self._start = self._last = now
        self.missed_frames = (self.missed_frames or 0) + max(0, round((now - self._last) / self._period) - 1)
        self._mouse.walk(min(now - self._last, LONGEST_STEP))
        pose = self._camera.pose(now - self._start)
        self._last = now
        eye_size = self._picture.eye_size
        request = FrameRequest(self._sequence, now, stereo_views(pose, eye_size), eye_size)
        self._sequence += 1
        return request

    def end_frame(self) -> None:
        """Lays the text over the picture and shows it at the monitor's next refresh."""
        self._picture.draw_text()
        # Drawn aside first: what a window holds after it was shown is nobody's promise, and `read_pixels` needs it.
        whole = 0, 0, *self._picture.size
        self._blit.draw(self.ctx.screen, whole, [self._picture.texture], [False])
        glfw.swap_buffers(self._window)

    def _wait(self) -> float:
        """Until the next frame is due, where the window system does not wait for the monitor itself."""
        ahead = self._last + 0.9 * self._period - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        return time.monotonic()

    def _framebuffer_size(self, otherwise: Size) -> Size:
        """In pixels, which screens of high density have more of; `otherwise` while the window is minimised."""
        width, height = glfw.get_framebuffer_size(self._window)
        return (width, height) if width >= EYES and height >= 1 else otherwise

    def _on_key(self, window: Any, key: int, scancode: int, change: int, modifiers: int) -> None:
        if self._mouse.on_key(key, change != glfw.RELEASE) or change == glfw.RELEASE:
            return
        action = keys.ACTIONS.get(key)
        if change == glfw.REPEAT and action not in keys.REPEATING:
            return
        if key == keys.RETURN_TO_PATH:
            self._camera.return_to_path()
        if action is None:
            return
        self._pending.append(action)
        if action is Action.FULLSCREEN:
            self._toggle_fullscreen()
        if action is Action.QUIT:
            glfw.set_window_should_close(self._window, True)

    def _toggle_fullscreen(self) -> None:
        if glfw.get_window_monitor(self._window):
            windowed: Any = None
            glfw.set_window_monitor(self._window, windowed, *self._windowed, 0)
            return
        monitor = glfw.get_primary_monitor()
        if not monitor:
            return
        self._windowed = (*glfw.get_window_pos(self._window), *glfw.get_window_size(self._window))
        mode = glfw.get_video_mode(monitor)
        glfw.set_window_monitor(self._window, monitor, 0, 0, *mode.size, mode.refresh_rate)


def _refresh_rate() -> float:
    monitor = glfw.get_primary_monitor()
    mode = glfw.get_video_mode(monitor) if monitor else None
    return float(mode.refresh_rate) if mode and mode.refresh_rate else _USUAL_REFRESH
