"""A flat picture that hangs in the world of another display: pictures, videos and cameras in a headset."""

import contextlib
import math
from dataclasses import dataclass, replace

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import head_pose, upright
from artem_vr.config import SCREENS
from artem_vr.displays.screen_placement import (
    Matrix,
    check_field_of_view,
    eye_offset,
    sight_rays,
)
from artem_vr.displays.side_by_side import SideBySide
from artem_vr.errors import UsageError, unknown_name
from artem_vr.frame import EYES, EyeView, FrameRequest, GlFrame, Size
from artem_vr.gl.fullscreen import FullscreenPass, Viewport
from artem_vr.gl.world_quad import WorldQuad
from artem_vr.head_history import HeadHistory
from artem_vr.ports import Action, Controls, Display


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is known of the picture of the current frame."""

    captured_at: float
    content: Viewport
    stereo: bool


_MIDDLE = (0.5, 0.5), (0.5, 0.5)
"""Where the eyes are taken to look: the headset tells it of its own pictures, not of what hangs there."""


class WorldScreen:
    """Shows a picture of `size` pixels for each eye, `fov` radians wide, `distance` metres away in `inner`'s world.

    What is drawn into `target` is the picture itself, so that paint sticks to it. With lock "world" it hangs upright
    where the head looked first, and `Action.RECENTRE` hangs it anew. With lock "head" it stays in front of the head;
    a `live` camera's picture hangs where the head looked when it was taken, `latency` seconds before its
    `captured_at`: what comes late is at least not out of place. Two different pictures hang each before its own eye,
    as parallel cameras saw them. Around it is a dark room with a horizon.

    Closes `inner` when it is closed. Raises `UsageError` for values that make no sense; then `inner` stays open.
    """

    def __init__(
        self,
        inner: Display,
        size: Size,
        fov: float,
        lock: str,
        live: bool,
        latency: float = 0.0,
        distance: float = 2.0,
    ) -> None:
        _check(size, fov, lock, latency, distance)
        self.name, self.ctx = inner.name, inner.ctx
        self.help_lines, self.missed_frames = inner.help_lines, inner.missed_frames
        self._inner, self._size, self._lock = inner, size, lock
        self._live, self._latency, self._distance = live, latency, distance
        self._width = 2 * distance * math.tan(fov / 2)
        self._history = HeadHistory()
        self._request: FrameRequest | None = None
        self._head_44: Matrix = np.eye(4)
        self._hung_44: Matrix | None = None
        self._shown = _Shown(0.0, (0, 0, *size), False)
        self._opened = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            self._picture = SideBySide(self.ctx, (EYES * size[0], size[1]))
            opened.callback(self._picture.close)
            self._surround = FullscreenPass(self.ctx, "surround.frag", [])
            opened.callback(self._surround.release)
            self._quad = WorldQuad(self.ctx)
            opened.callback(self._quad.release)
            self._opened.callback(inner.close)
            self._opened.push(opened.pop_all())

    @property
    def refresh_rate(self) -> float | None:
        """The inner display's."""
        return self._inner.refresh_rate

    def begin_frame(self) -> FrameRequest | None:
        """The inner display's next frame, but of the picture's own size; None when that display is done."""
        request = self._request = self._inner.begin_frame()
        self.help_lines, self.missed_frames = self._inner.help_lines, self._inner.missed_frames
        if request is None:
            return None
        self._head_44 = head_pose(request.eyes)
        self._history.add(request.time, self._head_44)
        self._shown = _Shown(request.time, (0, 0, *self._size), False)
        return replace(request, eye_size=self._size, gaze=_MIDDLE)

    def expect(self, frame: GlFrame) -> None:
        """Takes from the frame when it was taken, which part is picture, and whether the eyes see two of them."""
        left, right = frame.color
        content = _scaled(frame.content or (0, 0, *left.size), left.size, self._size)
        self._shown = _Shown(frame.captured_at, content, stereo=left is not right)
        if self._request is not None:
            # What the inner display shows is drawn for its own eyes at its own time, whatever hangs there.
            request = self._request
            self._inner.expect(GlFrame(request.sequence, request.time, frame.color, request.eyes))

    def target(self, eye: int) -> tuple[moderngl.Framebuffer, Viewport]:
        """The picture of eye 0 (left) or 1 (right): all of it, whatever the head does."""
        return self._picture.framebuffer, self._picture.viewport(eye)

    def end_frame(self) -> None:
        """Draws the room and the picture in it for both eyes of the inner display, and shows that."""
        request = self._request
        if request is not None:
            place_44 = self._place()
            for eye, view in enumerate(request.eyes):
                framebuffer, viewport = self._inner.target(eye)
                corner, across, up = (tuple(ray) for ray in sight_rays(view))
                self._surround.draw(framebuffer, viewport, [], [], corner=corner, across=across, up=up)
                hung_44 = place_44 @ eye_offset(self._head_44, view) if self._shown.stereo else place_44
                self._draw_picture(eye, view, hung_44, framebuffer, viewport)
        self._inner.end_frame()

    def _place(self) -> Matrix:
        """The pose of the head before which the picture hangs."""
        if self._lock == "world":
            if self._hung_44 is None:
                self._hung_44 = upright(self._head_44)
            return self._hung_44
        if self._live:
            return self._history.at(self._shown.captured_at - self._latency).astype(np.float64)
        return self._head_44

    def _draw_picture(
        self, eye: int, view: EyeView, hung_44: Matrix, framebuffer: moderngl.Framebuffer, viewport: Viewport
    ) -> None:
        left, low, width, height = self._shown.content
        metres = self._width / self._size[0]
        rectangle = (
            (left - self._size[0] / 2) * metres,
            (low - self._size[1] / 2) * metres,
            width * metres,
            height * metres,
        )
        ahead_44 = np.eye(4)
        ahead_44[2, 3] = -self._distance
        to_eye = view.view_44.astype(np.float64) @ hung_44 @ ahead_44
        to_clip = view.projection_44.astype(np.float64) @ to_eye
        # How many texels come to lie on one pixel, where the picture is seen straight.
        away = float(np.linalg.norm(to_eye[:3, 3]))
        density = 2 * away / (metres * float(view.projection_44[0, 0]) * viewport[2])
        x, y = self._picture.viewport(eye)[:2]
        content = x + left, y + low, width, height
        self._quad.draw(framebuffer, viewport, self._picture.texture, content, rectangle, to_clip, density)

    def actions(self) -> list[Action]:
        """What the inner display was asked for. `RECENTRE` hangs the picture anew as well."""
        actions = self._inner.actions()
        if Action.RECENTRE in actions:
            self._hung_44 = None
            # The inner display may have moved the origin of its world: earlier poses mean nothing in the new one.
            self._history.clear()
            if self._request is not None:
                self._history.add(self._request.time, self._head_44)
        return actions

    def controls(self) -> Controls:
        """What is held, as the inner display says."""
        return self._inner.controls()

    def show_text(self, lines: list[str]) -> None:
        """Text, where the inner display shows it; an empty list takes it away."""
        self._inner.show_text(lines)

    def read_pixels(self) -> NDArray[np.uint8]:
        """The frame as the inner display shows it: uint8 RGB (H, W, 3), top row first, both eyes side by side."""
        return self._inner.read_pixels()

    def close(self) -> None:
        """Frees the GL objects and closes the inner display. May be called twice."""
        self._opened.close()


def _check(size: Size, fov: float, lock: str, latency: float, distance: float) -> None:
    check_field_of_view(fov)
    if lock not in SCREENS:
        raise UsageError(unknown_name("lock", lock, SCREENS))
    if not 0 < distance < math.inf:
        raise UsageError(f"a screen {distance:g} m away cannot be seen: choose more than 0")
    if not 0 <= latency < math.inf:
        raise UsageError(f"a camera cannot be {latency:g} seconds late: choose 0 or more")
    if min(size) < 1:
        raise UsageError(f"a screen of {size[0]}x{size[1]} pixels shows nothing: choose a larger size")


def _scaled(content: Viewport, size: Size, target: Size) -> Viewport:
    """Where `content` of a texture of `size` comes to lie when the whole texture fills `target`."""
    (left, right), (low, high) = (
        tuple(round(edge * target[axis] / size[axis]) for edge in (content[axis], content[axis] + content[axis + 2]))
        for axis in range(2)
    )
    return left, low, right - left, high - low
