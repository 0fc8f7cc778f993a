"""The window, with real key and mouse events from the X server's XTEST extension."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import glfw
import moderngl
import numpy as np
import pytest

from artem_vr.camera import WALKING_SPEED, Pose
from artem_vr.displays.glfw import LONGEST_STEP, GlfwDisplay
from artem_vr.displays.keys import HELP
from artem_vr.errors import DisplayError
from artem_vr.frame import FrameRequest
from artem_vr.ports import Action

pytestmark = pytest.mark.window

SIZE = (640, 360)
PATIENCE = 10.0


def path(seconds: float) -> Pose:
    return Pose((0.0, 1.6, seconds), yaw=0.5)


def head(request: FrameRequest) -> Pose:
    """The pose that a request was made from."""
    eyes = [np.linalg.inv(eye.view_44) for eye in request.eyes]
    x, y, z = np.mean([eye[:3, 3] for eye in eyes], axis=0).tolist()
    forward = -eyes[0][:3, 2]
    return Pose((x, y, z), math.atan2(-forward[0], -forward[2]), math.asin(float(forward[1])))


class Hands:
    """Presses keys and moves the mouse of an X display."""

    def __init__(self, screen: str) -> None:
        xlib = pytest.importorskip("Xlib", reason="python-xlib is not installed")
        from Xlib import XK, X, display
        from Xlib.ext import xtest

        assert xlib
        self._x, self._fake, self._keysym = X, xtest.fake_input, XK.string_to_keysym
        self._display = display.Display(screen)

    def _send(self, kind: int, *detail: Any, **where: int) -> None:
        self._fake(self._display, kind, *detail, **where)
        self._display.sync()

    def press(self, key: str) -> None:
        self._send(self._x.KeyPress, self._display.keysym_to_keycode(self._keysym(key)))

    def release(self, key: str) -> None:
        self._send(self._x.KeyRelease, self._display.keysym_to_keycode(self._keysym(key)))

    def tap(self, key: str) -> None:
        self.press(key)
        self.release(key)

    def button(self, pressed: bool, number: int = 1) -> None:
        self._send(self._x.ButtonPress if pressed else self._x.ButtonRelease, number)

    def move_to(self, x: int, y: int) -> None:
        self._send(self._x.MotionNotify, 0, x=x, y=y)

    def move_by(self, x: int, y: int) -> None:
        self._send(self._x.MotionNotify, 1, x=x, y=y)

    def close(self) -> None:
        self._display.close()


@pytest.fixture
def hands(screen: str) -> Iterator[Hands]:
    opened = Hands(screen)
    yield opened
    opened.close()


@pytest.fixture
def window(screen: str) -> Iterator[GlfwDisplay]:
    display = GlfwDisplay(SIZE, path)
    for _ in frames_until(display, lambda _: glfw.get_window_attrib(display._window, glfw.FOCUSED)):
        pass
    yield display
    display.close()


def frames_until(display: GlfwDisplay, done: Callable[[FrameRequest], Any]) -> Iterator[FrameRequest]:
    """Shows frames until one fulfils `done`; fails when none does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        request = display.begin_frame()
        assert request is not None, "the display ended"
        display.end_frame()
        yield request
        if done(request):
            return
    pytest.fail("nothing happened")


def last(frames: Iterator[FrameRequest]) -> FrameRequest:
    *_, request = frames
    return request


def actions_after(display: GlfwDisplay) -> list[Action]:
    collected: list[Action] = []

    def gather(_: FrameRequest) -> bool:
        collected.extend(display.actions())
        return bool(collected)

    last(frames_until(display, gather))
    return collected


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("Right", Action.NEXT_STYLE),
        ("Left", Action.PREVIOUS_STYLE),
        ("Up", Action.MORE),
        ("Down", Action.LESS),
        ("space", Action.TOGGLE_PLAIN),
        ("s", Action.SNAPSHOT),
        ("h", Action.HELP),
    ],
)
def test_each_key_asks_for_its_action_once(window: GlfwDisplay, hands: Hands, key: str, action: Action) -> None:
    hands.tap(key)
    assert actions_after(window) == [action]
    assert window.actions() == []


def test_other_keys_ask_for_nothing(window: GlfwDisplay, hands: Hands) -> None:
    for key in ("x", "w", "Tab", "r"):
        hands.tap(key)
    hands.tap("h")
    assert actions_after(window) == [Action.HELP]


def test_escape_quits(window: GlfwDisplay, hands: Hands) -> None:
    hands.tap("Escape")
    end = time.monotonic() + PATIENCE
    while window.begin_frame() is not None:
        assert time.monotonic() < end
        window.end_frame()
    assert window.actions() == [Action.QUIT]


def test_f_fills_the_screen_and_goes_back(window: GlfwDisplay, hands: Hands) -> None:
    hands.tap("f")
    full = last(frames_until(window, lambda request: request.eye_size == (640, 800)))
    assert full.eye_size == (640, 800)
    assert window.actions() == [Action.FULLSCREEN]
    hands.tap("f")
    last(frames_until(window, lambda request: request.eye_size == (320, 360)))


def test_resizing_the_window_resizes_the_eyes_and_fills_it(window: GlfwDisplay, screen: str) -> None:
    grab = pytest.importorskip("PIL.ImageGrab").grab
    glfw.set_window_size(window._window, 900, 500)
    last(frames_until(window, lambda request: request.eye_size == (450, 500)))
    for eye, color in enumerate([(1.0, 0.0, 0.0), (0.0, 0.0, 1.0)]):
        framebuffer, viewport = window.target(eye)
        framebuffer.clear(*color, viewport=viewport)
    window.end_frame()
    left, top = glfw.get_window_pos(window._window)
    with contextlib.suppress(AttributeError):
        glfw.wait_events_timeout(0.1)
    seen = np.asarray(grab(bbox=(left, top, left + 900, top + 500), xdisplay=screen))
    assert np.all(seen[[2, 2, -3], [2, 440, 440]] == (255, 0, 0))
    assert np.all(seen[[2, -3, -3], [460, 460, 897]] == (0, 0, 255))


def test_the_path_leads_until_somebody_takes_over(window: GlfwDisplay) -> None:
    first = window.begin_frame()
    time.sleep(0.05)
    second = window.begin_frame()
    assert first is not None
    assert second is not None
    assert head(second).position[2] - head(first).position[2] == pytest.approx(second.time - first.time, abs=1e-3)


def hold_mouse(window: GlfwDisplay, hands: Hands) -> None:
    left, top = glfw.get_window_pos(window._window)
    hands.move_to(left + 200, top + 150)
    hands.button(True)
    last(frames_until(window, lambda _: window._mouse.active))


def test_dragging_looks_around_and_leaves_the_path(window: GlfwDisplay, hands: Hands) -> None:
    hold_mouse(window, hands)
    hands.move_by(-60, 0)
    turned = last(frames_until(window, lambda request: head(request).yaw > 0.55))
    hands.move_by(0, -60)
    raised = last(frames_until(window, lambda request: head(request).pitch > 0.05))
    hands.button(False)
    assert head(raised).yaw == pytest.approx(head(turned).yaw, abs=1e-3)
    assert head(raised).position == pytest.approx(head(turned).position, abs=1e-4)
    hands.tap("r")
    last(frames_until(window, lambda request: head(request).yaw == pytest.approx(0.5, abs=1e-4)))


@pytest.mark.parametrize(
    ("key", "direction"),
    [
        ("w", (-math.sin(0.5), 0.0, -math.cos(0.5))),
        ("s", (math.sin(0.5), 0.0, math.cos(0.5))),
        ("a", (-math.cos(0.5), 0.0, math.sin(0.5))),
        ("d", (math.cos(0.5), 0.0, -math.sin(0.5))),
        ("q", (0.0, -1.0, 0.0)),
        ("e", (0.0, 1.0, 0.0)),
    ],
)
def test_keys_walk_while_the_mouse_is_held(
    window: GlfwDisplay, hands: Hands, key: str, direction: tuple[float, float, float]
) -> None:
    hold_mouse(window, hands)
    hands.press(key)
    last(frames_until(window, lambda _: not window._camera.on_path))
    start = last(frames_until(window, lambda _: True))
    requests = [start, *frames_until(window, lambda request: request.time > start.time + 0.1)]
    hands.release(key)
    hands.button(False)
    steps = np.diff([request.time for request in requests]).clip(max=LONGEST_STEP)
    way = np.subtract(head(requests[-1]).position, head(start).position)
    assert np.allclose(way, WALKING_SPEED * steps.sum() * np.array(direction), atol=0.001)
    assert window.actions() == []


def test_s_takes_snapshots_again_once_the_mouse_is_let_go(window: GlfwDisplay, hands: Hands) -> None:
    hold_mouse(window, hands)
    hands.button(False)
    last(frames_until(window, lambda _: not window._mouse.active))
    hands.tap("s")
    assert actions_after(window) == [Action.SNAPSHOT]


def test_holding_an_arrow_goes_on_for_strength_but_not_for_styles(window: GlfwDisplay, hands: Hands) -> None:
    collected: list[Action] = []
    for key in ("Right", "Up"):
        hands.press(key)
        deadline = time.monotonic() + 0.9
        for _ in frames_until(window, lambda _, end=deadline: time.monotonic() > end):
            collected += window.actions()
        hands.release(key)
    assert collected.count(Action.NEXT_STYLE) == 1
    assert collected.count(Action.MORE) > 2


def test_closing_the_window_ends_the_display(window: GlfwDisplay) -> None:
    glfw.set_window_should_close(window._window, True)
    assert window.begin_frame() is None


def test_a_window_opens_while_the_thread_holds_a_headless_context(ctx: moderngl.Context, screen: str) -> None:
    display = GlfwDisplay(SIZE, path, frames=1)
    assert display.begin_frame() is not None
    display.end_frame()
    display.close()


def test_every_key_of_the_help_is_named() -> None:
    named = " ".join(line.split("\t")[0] for line in HELP).lower()
    for key in ("left", "right", "up", "down", "space", "s", "f", "h", "r", "escape", "mouse"):
        assert key in named.replace(",", "").split()
    assert "W A S D" in " ".join(HELP)


def test_no_screen_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(DisplayError, match=r"no screen.*use --headless") as caught:
        GlfwDisplay(SIZE, path)
    assert "\n" not in str(caught.value)
