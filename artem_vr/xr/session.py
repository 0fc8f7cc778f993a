"""An OpenXR session: the states that a runtime leads it through, and the frames it asks for."""

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from artem_vr.errors import DisplayError
from artem_vr.xr.graphics_binding import GraphicsContext
from artem_vr.xr.library import xr
from artem_vr.xr.runtime import VIEWS, Runtime, RuntimeAwayError, forget, reason

LOST = (xr.SessionLostError, xr.InstanceLostError, xr.SessionLossPending)
"""What any call may raise when the runtime has gone: the session is of no use any more."""

_FAREWELL = 1.0
"""Seconds that a runtime gets to end a session in good order."""


class Event(Enum):
    """What a runtime may tell between two frames, as far as it concerns the program."""

    CONTROLLERS = "another controller, or none"
    LOST = "the session or the instance is lost"
    EXIT = "the runtime wants the session to end"


@dataclass(frozen=True, slots=True)
class SpaceChange:
    """From `time` (the runtime's clock, in nanoseconds) on, reference spaces of this `kind` lie elsewhere."""

    kind: Any
    time: int


@dataclass(slots=True)
class Frame:
    """A frame under way. `time` and `period` are in nanoseconds of the runtime's clock.

    What stands in `layers` when it ends is shown, first the one behind; nothing when it is empty. `kept` holds what
    layers point to.
    """

    time: int
    period: int
    should_render: bool
    layers: list[Any] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)


class Session:
    """A session on a runtime, in the hands of the thread that owns the OpenGL context.

    `state` is the last that the runtime told; `running` is true between the begin and the end that go with it.
    Raises `RuntimeAwayError` when the runtime refuses for now, and `DisplayError` when it refuses this context.
    """

    def __init__(self, runtime: Runtime, graphics: GraphicsContext) -> None:
        self.state = xr.SessionState.UNKNOWN
        self.running = False
        self._is_open, self._last_time = False, 0
        self._instance = runtime.instance
        self._blend_mode = runtime.blend_mode()
        graphics.check_version(runtime)
        self._binding = graphics.binding()
        create = xr.SessionCreateInfo(
            system_id=runtime.system, next=ctypes.cast(ctypes.pointer(self._binding), ctypes.c_void_p)
        )
        try:
            self.handle = xr.create_session(runtime.instance, create)
        except (xr.GraphicsDeviceInvalidError, xr.ValidationFailureError) as error:
            raise DisplayError(
                f"{runtime.name} does not take the OpenGL context ({graphics.kind}, {reason(error)}): let the headset"
                " and this program use the same graphics card"
            ) from error
        except xr.XrException as error:
            raise RuntimeAwayError(f"{runtime.name} opens no session ({reason(error)})") from error

    @property
    def focused(self) -> bool:
        """True while the controllers are ours."""
        return bool(self.state == xr.SessionState.FOCUSED)

    def poll(self) -> list[Event | SpaceChange]:
        """Takes all that the runtime has told, begins and ends the session with it; returns what else matters."""
        events: list[Event | SpaceChange] = []
        try:
            while (data := self._next_event()) is not None:
                events += self._take(data)
        except LOST:
            events.append(Event.LOST)
        return events

    def _next_event(self) -> Any:
        try:
            return xr.poll_event(self._instance)
        except xr.EventUnavailable:
            return None

    def _take(self, data: Any) -> Sequence[Event | SpaceChange]:
        kinds = xr.StructureType
        kind = data._type  # as a number: a runtime may tell what this binding has no name for
        if kind == kinds.EVENT_DATA_SESSION_STATE_CHANGED.value:
            return self._enter(xr.SessionState(_as(data, xr.EventDataSessionStateChanged).state))
        if kind == kinds.EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING.value:
            change = _as(data, xr.EventDataReferenceSpaceChangePending)
            return [SpaceChange(xr.ReferenceSpaceType(change.reference_space_type), int(change.change_time))]
        if kind == kinds.EVENT_DATA_INSTANCE_LOSS_PENDING.value:
            return [Event.LOST]
        return [Event.CONTROLLERS] if kind == kinds.EVENT_DATA_INTERACTION_PROFILE_CHANGED.value else []

    def _enter(self, state: Any) -> list[Event]:
        self.state = state
        if state == xr.SessionState.READY and not self.running:
            xr.begin_session(self.handle, xr.SessionBeginInfo(VIEWS))
            self.running = True
        elif state == xr.SessionState.STOPPING and self.running:
            self.running = False
            xr.end_session(self.handle)
        elif state == xr.SessionState.EXITING:
            return [Event.EXIT]
        elif state == xr.SessionState.LOSS_PENDING:
            return [Event.LOST]
        return []

    @contextmanager
    def frame(self) -> Iterator[Frame]:
        """Waits until the runtime wants the next frame, begins it, and ends it whatever happens in between.

        A frame that an exception leaves is ended with nothing in it. Only for a session that is `running`. Raises
        what `LOST` lists.
        """
        # Set before the wait: Ctrl-C comes when that returns, and the frame is ours to end by then.
        self._is_open = True
        try:
            state = xr.wait_frame(self.handle, xr.FrameWaitInfo())
        except xr.XrException:
            self._is_open = False
            raise
        frame = Frame(int(state.predicted_display_time), int(state.predicted_display_period), bool(state.should_render))
        self._last_time = frame.time
        with suppress(xr.FrameDiscarded):  # the one before was never ended, and the runtime has dropped it
            xr.begin_frame(self.handle, xr.FrameBeginInfo())
        try:
            yield frame
        except BaseException:
            frame.layers.clear()
            raise
        finally:
            self._end(frame.time, frame.layers)

    def _end(self, display_time: int, layers: list[Any]) -> None:
        self._is_open = False
        pointers = [ctypes.byref(layer) for layer in layers]
        xr.end_frame(
            self.handle,
            xr.FrameEndInfo(
                display_time=display_time, environment_blend_mode=self._blend_mode, layers=pointers or None
            ),
        )

    def _end_what_is_open(self) -> None:
        """A frame that Ctrl-C has cut off: the runtime would wait for its end for ever."""
        if self._is_open:
            with suppress(xr.XrException):
                xr.begin_frame(self.handle, xr.FrameBeginInfo())
            with suppress(xr.XrException):
                self._end(max(self._last_time, 1), [])

    def leave(self) -> None:
        """Ends the session as the runtime likes it: asks to go, and goes through the states until it may."""
        if self.handle is None or self.state in (xr.SessionState.EXITING, xr.SessionState.LOSS_PENDING):
            return
        deadline = time.monotonic() + _FAREWELL
        self._end_what_is_open()
        try:
            if self.running:
                xr.request_exit_session(self.handle)
            while self.running and time.monotonic() < deadline:
                if Event.LOST in self.poll():
                    return
                if self.running:
                    with self.frame():
                        pass
        except xr.XrException:
            pass  # it is being destroyed anyway

    def close(self) -> None:
        """Destroys the session. May be called twice, and after the runtime has died."""
        if self.handle is not None:
            handle, self.handle = self.handle, None
            forget(xr.destroy_session, handle)


def _as(data: Any, kind: Any) -> Any:
    """An event's buffer as the structure that it holds."""
    return ctypes.cast(ctypes.byref(data), ctypes.POINTER(kind)).contents
