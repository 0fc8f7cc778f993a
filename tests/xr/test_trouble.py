"""What goes wrong between a headset and its runtime, provoked on a real one."""

import logging
import os
import subprocess
import threading
import time

import pytest
from headset import GREY, collect, show
from monado import Runtime, Service
from remote import Remote
from validation import Report

from artem_vr.camera import Pose
from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.errors import DisplayError
from artem_vr.ports import Action
from artem_vr.xr.library import xr
from artem_vr.xr.session import Event

pytestmark = pytest.mark.xr
STANDING = Pose((0.0, 0.0, 0.0))


def test_the_session_goes_through_its_states_in_order(remote: Remote, validation: Report) -> None:
    states = []
    display = OpenXrDisplay(STANDING)
    connection = display._connection
    assert connection is not None
    enter = connection.session._enter

    def noting(state: object) -> list[Event]:
        states.append(state)
        return enter(state)

    connection.session._enter = noting  # type: ignore[method-assign]
    collect(display, 3)
    display.close()
    names = [xr.SessionState(state).name for state in states]
    assert names == ["IDLE", "READY", "SYNCHRONIZED", "VISIBLE", "FOCUSED", "VISIBLE", "SYNCHRONIZED", "STOPPING",
                     "IDLE", "EXITING"]  # fmt: skip


def test_a_runtime_that_dies_is_waited_for(
    display: OpenXrDisplay, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    show(display)
    service.kill()
    revival = threading.Timer(2.5, service.start)
    revival.start()
    with caplog.at_level(logging.WARNING):
        before = show(display)  # whichever call meets the dead runtime, none raises
        after = show(display, (0.0, 1.0, 0.0), GREY)
        while display._connection is None or "is back" not in caplog.text:
            after = show(display, (0.0, 1.0, 0.0), GREY)
    revival.join()
    assert after.sequence > before.sequence
    assert "is lost" in caplog.text
    assert "waiting for it" in caplog.text
    assert tuple(display.read_pixels()[0, 0]) == (0, 255, 0), "it draws with the same context as before"
    with Remote() as remote:
        collect(display, 4)
        remote.press("right", "a_click")
        assert collect(display, 3)[0] == [Action.NEXT_STYLE], "and the controllers work"


def test_with_once_a_lost_session_is_the_end_and_the_last_picture_stays(
    remote: Remote, service: Service, validation: Report, caplog: pytest.LogCaptureFixture
) -> None:
    display = OpenXrDisplay(STANDING, once=True, keep=True)
    show(display, (1.0, 0.0, 0.0))
    service.kill()
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            if display.begin_frame() is None:
                break
            display.end_frame()
        else:
            pytest.fail("it never ended")
    assert caplog.text.count("is lost") == 1
    assert display.read_pixels().shape == (240, 640, 3)
    display.close()


def test_a_runtime_that_dies_under_a_frame_does_not_break_the_frame(
    display: OpenXrDisplay, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    show(display)
    assert display.begin_frame() is not None
    service.kill()
    for eye in range(2):
        framebuffer, viewport = display.target(eye)
        framebuffer.clear(0.1, 0.2, 0.3, 1.0, viewport=viewport)
    with caplog.at_level(logging.WARNING):
        display.end_frame()
    assert "is lost" in caplog.text


def test_closing_after_the_runtime_has_died_is_quick_and_quiet(display: OpenXrDisplay, service: Service) -> None:
    show(display)
    service.kill()
    started = time.monotonic()
    display.close()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("call", ["wait_frame", "begin_frame"])
def test_ctrl_c_in_a_call_leaves_no_frame_open(
    remote: Remote, validation: Report, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Python raises it when the call returns: the runtime has given a frame by then, and waits for its end."""
    display = OpenXrDisplay(STANDING)
    show(display)
    through = getattr(xr, call)

    def interrupted(*arguments: object) -> object:
        monkeypatch.setattr(xr, call, through)
        through(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(xr, call, interrupted)
    with pytest.raises(KeyboardInterrupt):
        display.begin_frame()
    started = time.monotonic()
    display.close()
    assert time.monotonic() - started < 5
    again = OpenXrDisplay(STANDING)
    show(again)
    again.close()


def test_a_runtime_that_takes_no_frame_is_given_up(
    display: OpenXrDisplay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from artem_vr.displays.openxr import display as module

    show(display)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.01)

    def refused(*ignored: object, **named: object) -> None:
        raise xr.LayerInvalidError

    monkeypatch.setattr(xr, "CompositionLayerProjection", refused)
    with pytest.raises(DisplayError, match="takes no frame"), caplog.at_level(logging.WARNING):
        for _ in range(100):
            show(display)
    assert caplog.text.count("is lost") == 4


def test_a_runtime_that_dies_while_it_is_asked_is_waited_for(
    display: OpenXrDisplay, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(display)
    service.kill()
    ask, asked = xr.get_instance_properties, []

    def dying(*arguments: object) -> object:
        asked.append(arguments)
        if len(asked) == 1:
            raise xr.RuntimeFailureError
        return ask(*arguments)

    monkeypatch.setattr(xr, "get_instance_properties", dying)
    service.start()
    show(display)
    show(display)
    assert len(asked) == 2


def test_the_runtime_asks_for_the_end(display: OpenXrDisplay) -> None:
    show(display)
    assert display._connection is not None
    xr.request_exit_session(display._connection.session.handle)
    for _ in range(50):
        if display.begin_frame() is None:
            return
        display.end_frame()
    pytest.fail("it never ended")


def test_a_loss_that_is_announced_is_a_loss(display: OpenXrDisplay, caplog: pytest.LogCaptureFixture) -> None:
    """No call tells it: the runtime says that the session will be lost, and it is left at once."""
    show(display)
    lost = display._connection
    assert lost is not None
    assert lost.session._enter(xr.SessionState.LOSS_PENDING) == [Event.LOST]
    with caplog.at_level(logging.WARNING):
        display._follow(Event.LOST, lost)
        assert display._connection is None
        show(display)
    assert display._connection is not lost
    assert "is back" in caplog.text


def test_a_sleeping_headset_is_waited_for_with_one_line(
    display: OpenXrDisplay, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As seen by the display: a session that may not run for some seconds, and then may again."""
    from artem_vr.displays.openxr import display as module

    show(display)
    monkeypatch.setattr(module, "_NOTICE_SECONDS", 0.2)
    assert display._connection is not None
    session = display._connection.session
    session.running = False
    waking = threading.Timer(0.8, lambda: setattr(session, "running", True))
    waking.start()
    with caplog.at_level(logging.WARNING):
        show(display)
    waking.join()
    assert caplog.text.count("the headset shows nothing") == 1


def test_two_applications_take_turns_and_neither_is_hurt(display: OpenXrDisplay, runtime: Runtime, tmp_path) -> None:
    show(display)
    script = tmp_path / "second.py"
    script.write_text(
        "from artem_vr.camera import Pose\n"
        "from artem_vr.displays.openxr.display import OpenXrDisplay\n"
        "display = OpenXrDisplay(Pose((0.0, 0.0, 0.0)))\n"
        "session = display._connection.session\n"
        "for _ in range(40):\n"
        "    session.poll()\n"
        "    if session.running:\n"
        "        with session.frame():\n"
        "            pass\n"
        "print('second', session.state.name)\n"
        "display.close()\n"
    )
    second = subprocess.Popen([*runtime.prefix, str(script)], stdout=subprocess.PIPE, text=True, env=os.environ)
    deadline = time.monotonic() + 30
    assert display._connection is not None
    session = display._connection.session
    states: list[str] = []
    enter = session._enter
    session._enter = lambda state: states.append(state.name) or enter(state)  # type: ignore[method-assign, func-returns-value]
    while second.poll() is None and time.monotonic() < deadline:
        show(display)
    assert second.wait(5) == 0
    assert second.stdout is not None
    assert second.stdout.read().split()[-2:] == ["second", "FOCUSED"]
    for _ in range(20):
        show(display)
    assert "SYNCHRONIZED" in states, "it was not seen while the other was"
    assert states[-1] == "FOCUSED", "and then it was again"


def test_a_killed_application_leaves_the_runtime_usable(
    remote: Remote, validation: Report, runtime: Runtime, tmp_path
) -> None:
    script = tmp_path / "victim.py"
    script.write_text(
        "from artem_vr.camera import Pose\n"
        "from artem_vr.displays.openxr.display import OpenXrDisplay\n"
        "display = OpenXrDisplay(Pose((0.0, 0.0, 0.0)))\n"
        "while True:\n"
        "    display.begin_frame()\n"
        "    print('frame', flush=True)\n"
        "    display.end_frame()\n"
    )
    victim = subprocess.Popen([*runtime.prefix, str(script)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "frame\n"
    victim.kill()
    victim.wait()
    display = OpenXrDisplay(STANDING)
    show(display)
    display.close()
