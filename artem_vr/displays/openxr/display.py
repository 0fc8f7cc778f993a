"""The headset as a display: frames when the runtime wants them, and what to do when it does not."""

import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import moderngl
import numpy as np
from numpy.typing import NDArray

from artem_vr.camera import Pose
from artem_vr.displays.openxr.connection import Connection
from artem_vr.displays.openxr.eyes import scaled_eye
from artem_vr.displays.openxr.hands import Hands
from artem_vr.displays.openxr.panel import PanelPicture
from artem_vr.displays.openxr.refresh import Refresh
from artem_vr.errors import ArtemError, DisplayError
from artem_vr.frame import FrameRequest, GlFrame
from artem_vr.gl.fullscreen import Viewport
from artem_vr.panel_picture import PanelState
from artem_vr.ports import Action, Controls
from artem_vr.xr.bindings import PROFILES, Profile
from artem_vr.xr.graphics_binding import GraphicsContext
from artem_vr.xr.library import xr
from artem_vr.xr.runtime import Runtime, RuntimeAwayError, reason
from artem_vr.xr.session import Event, Frame, SpaceChange
from artem_vr.xr.space import LocatedEyes, WorldSpace

_RETRY_SECONDS = 1.0
_IDLE_SECONDS = 0.02
"""How often a session that shows nothing is asked whether it may."""
_NOTICE_SECONDS = 2.0
"""How long a headset may show nothing before a line says why."""
_MOST_FAILURES = 5
"""How many sessions in a row may be lost without having shown a frame."""
WELCOME_SECONDS = 6.0
"""How long the panel, with what the buttons do, is shown at the beginning."""
_log = logging.getLogger(__name__)


class OpenXrDisplay:
    """Shows both eyes in the headset of the active OpenXR runtime, for a person who stands at `origin` in the world.

    Waits while the headset sleeps or another application has it. When the session or the runtime is lost, it waits
    and connects again; with `once`, it is done then. It ends after `frames` frames (None: never), when the menu button
    is held, or when the runtime asks for it. With `keep` the eyes' pictures can be read back. `depth` submits depth
    too (None: where a graphics card draws). `eye_scale` is how large the eyes' pictures are along each side, against
    what the runtime recommends. `profiles` are the controllers it has bindings for. `gaze` asks where the eyes look.

    Raises `DisplayError` or `GraphicsError` when there is no runtime or it cannot be drawn for.
    """

    name = "openxr"

    def __init__(
        self,
        origin: Pose,
        frames: int | None = None,
        once: bool = False,
        keep: bool = False,
        depth: bool | None = None,
        eye_scale: float = 1.0,
        profiles: Sequence[Profile] = PROFILES,
        gaze: bool = True,
    ) -> None:
        self.help_lines: list[str] = []
        self._origin_44 = origin.matrix_44().astype(np.float64)
        self._frames, self._once, self._keep, self._depth = frames, once, keep, depth
        self._eye_scale, self._profiles, self._gaze = eye_scale, profiles, gaze
        self._sequence = 0
        self._over = False
        self._scope = contextlib.ExitStack()
        self._under_way: tuple[Frame, LocatedEyes] | None = None
        self._now = 0.0
        self._drawn: GlFrame | None = None
        self._refresh = Refresh()
        self._last_pixels: NDArray[np.uint8] | None = None
        self._silent_since: float | None = None
        self._connection: Connection | None = None
        self._last_space: WorldSpace | None = None
        self._changes: list[SpaceChange] = []
        self._failures = 0
        self._told = ""
        with contextlib.ExitStack() as opened:
            runtime = Runtime(gaze)
            opened.callback(runtime.close)
            self._graphics = GraphicsContext(runtime)
            opened.callback(self._graphics.close)
            self.ctx: moderngl.Context = self._graphics.ctx
            self._panel = PanelPicture(self.ctx)
            opened.callback(self._panel.close)
            self._hands = Hands(self._panel.visibility)
            self._connection = self._connect(runtime)
            self._opened = opened.pop_all()

    @property
    def description(self) -> str:
        """What the runtime and its headset call themselves."""
        return self._description

    @property
    def refresh_rate(self) -> float | None:
        """The headset's, in frames a second; None before the first frame."""
        return self._refresh.rate

    @property
    def missed_frames(self) -> int | None:
        """See `artem_vr.ports.Display`."""
        return self._refresh.missed

    def _connect(self, runtime: Runtime) -> Connection:
        self.eye_size = scaled_eye(runtime.eye_size, self._eye_scale, runtime.largest_eye)
        try:
            connection = Connection(
                runtime, self._graphics, self._origin_44, self.eye_size, self._panel, self._keep, self._depth,
                self._profiles, self._gaze, self._last_space,
            )  # fmt: skip
        except xr.XrException as error:
            raise RuntimeAwayError(f"{runtime.name} opens no session ({reason(error)})") from error
        self._last_space = connection.space
        self._changes.clear()
        self._description = f"{runtime.name}, {runtime.headset}"
        self._refresh.pause()
        self._silent_since = None
        self._hands.forget()
        return connection

    def begin_frame(self) -> FrameRequest | None:
        """Waits for the next frame that is wanted; None when the display is done."""
        while not self._is_over():
            connection = self._connection or self._reconnect()
            if connection is None:
                continue
            try:
                request = self._next_request(connection)
            except xr.XrException as error:
                self._lose(reason(error))
                continue
            if request is not None:
                return request
        return None

    def _is_over(self) -> bool:
        return self._over or (self._frames is not None and self._sequence >= self._frames)

    def _next_request(self, connection: Connection) -> FrameRequest | None:
        for event in connection.session.poll():
            if isinstance(event, SpaceChange):
                self._changes.append(event)
            else:
                self._follow(event, connection)
        if self._connection is None or self._over:
            return None
        if not connection.session.running:
            self._explain_silence(connection)
            time.sleep(_IDLE_SECONDS)
            return None
        frame = self._scope.enter_context(connection.session.frame())
        self._now = connection.clock.seconds(frame)
        if self._hands.follow(connection, self._now):
            self._over = True
        for change in [change for change in self._changes if change.time <= frame.time]:
            self._changes.remove(change)
            if connection.space.follow(change, frame):
                self._hands.pending.append(Action.RECENTRE)
        eyes = connection.space.locate(frame) if frame.should_render else None
        if eyes is None:
            self._scope.close()
            self._explain_silence(connection)
            return None
        self._silent_since = None
        connection.eyes.acquire()
        self._refresh.note(frame)
        if self._sequence == 0:
            self._panel.visibility.wake(self._now, WELCOME_SECONDS)
        self._under_way, self._drawn = (frame, eyes), None
        size, gaze = connection.eyes.size, connection.gaze(frame, eyes)
        request = FrameRequest(self._sequence, self._now, eyes.eyes, size, gaze)
        self._sequence += 1
        return request

    def _follow(self, event: Event, connection: Connection) -> None:
        if event is Event.LOST:
            self._lose("the runtime has ended it")
        elif event is Event.EXIT:
            self._over = True
        elif event is Event.CONTROLLERS:
            self._hands.hints = connection.controllers.hints()

    def _explain_silence(self, connection: Connection) -> None:
        """Says once why the headset shows nothing, if that lasts."""
        now = time.monotonic()
        self._refresh.pause()
        if self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since > _NOTICE_SECONDS:
            self._silent_since = float("inf")
            why = (
                "it does not know where it is"
                if connection.session.focused
                else f"it is asleep, or another application is in front ({connection.session.state.name.lower()})"
            )
            _log.warning("the headset shows nothing of this now: %s; waiting (Ctrl-C ends)", why)

    def _lose(self, why: str) -> None:
        """Lets a dead session go. Whatever was under way is of no use any more."""
        connection, self._connection = self._connection, None
        self._under_way = None
        with contextlib.suppress(xr.XrException):
            self._scope.close()
        if connection is None:
            return
        if self._keep:
            self._last_pixels = connection.eyes.read_pixels()
        connection.close()
        self._failures += 1
        if self._failures >= _MOST_FAILURES:
            raise DisplayError(f"the OpenXR runtime takes no frame ({why}): start it anew, or update it")
        self._over = self._over or self._once
        _log.warning("the OpenXR session is lost (%s)%s", why, "" if self._once else ": waiting for it (Ctrl-C ends)")

    def _reconnect(self) -> Connection | None:
        time.sleep(_RETRY_SECONDS)
        try:
            self._connection = self._connect(Runtime(self._gaze))
        except RuntimeAwayError as error:
            _log.debug("still waiting for the OpenXR runtime: %s", error)
            return None
        except ArtemError as error:
            # Anything may be missing while a runtime starts again; what stays so, a person should know.
            if str(error) != self._told:
                self._told = str(error)
                _log.warning("%s; waiting", error)
            return None
        _log.warning("%s is back", self._description)
        return self._connection

    def expect(self, frame: GlFrame) -> None:
        """Remembers the frame's depth for the depth layer."""
        self._drawn = frame

    def target(self, eye: int) -> tuple[moderngl.Framebuffer, Viewport]:
        """Where eye 0 (left) or 1 (right) of the current frame is drawn."""
        if self._connection is None or self._under_way is None:
            raise DisplayError("no frame has begun")
        return self._connection.eyes.target(eye)

    def end_frame(self) -> None:
        """Hands the frame to the runtime. A session that is lost meanwhile is let go, and nothing is raised."""
        if self._connection is None or self._under_way is None:
            return
        connection, (frame, eyes), self._under_way = self._connection, self._under_way, None
        try:
            connection.eyes.finish(frame, eyes, connection.space, self._drawn)
            connection.panel.add_to(frame, connection.space, eyes.head_44, self._now)
            if self._keep and connection.eyes.picture is not None:
                connection.panel.draw_into(connection.eyes.picture, eyes)
            self._scope.close()
            self._failures = 0
        except xr.XrException as error:
            self._lose(reason(error))

    def actions(self) -> list[Action]:
        """What was asked for since the last call, oldest first."""
        return self._hands.take()

    def controls(self) -> Controls:
        """What is held in the current frame."""
        return self._hands.controls

    def show_text(self, lines: list[str]) -> None:
        """Shows the panel for a while, which says the same and more; an empty list does nothing."""
        if lines:
            self._panel.visibility.wake(self._now)

    def show_status(self, state: PanelState) -> None:
        """What the panel shows from now on; the hints for the controllers and the notices are its own."""
        self._panel.state = replace(state, hint_lines=self._hands.hints, notice=self._hands.notice)

    def read_pixels(self) -> NDArray[np.uint8]:
        """The last ended frame as the eyes see it, side by side: uint8 RGB (H, W, 3), top row first."""
        if self._connection is not None:
            return self._connection.eyes.read_pixels()
        if self._last_pixels is None:
            raise DisplayError("this display keeps no pictures: open it with keep=True")
        return self._last_pixels

    def close(self) -> None:
        """Ends the frame under way with nothing in it, the session in good order, and the context. Twice is fine."""
        self._under_way = None
        with contextlib.suppress(xr.XrException):
            self._scope.close()
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.leave()
        finally:
            self._opened.close()
