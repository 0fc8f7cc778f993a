"""What goes wrong between a headset and its runtime, provoked on a real one."""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from headset import GREY, collect, show
from monado import Runtime, Service
from remote import Remote
from validation import Report

from artem_vr.camera import Pose
from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.errors import DisplayError
from artem_vr.ports import Action
from artem_vr.xr import runtime as runtime_module
from artem_vr.xr.library import xr
from artem_vr.xr.session import Event

pytestmark = pytest.mark.xr
STANDING = Pose((0.0, 0.0, 0.0))


@pytest.fixture
def display(remote: Remote, validation: Report) -> Iterator[OpenXrDisplay]:
    opened = OpenXrDisplay(STANDING, keep=True)
    yield opened
    opened.close()


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


def test_no_service_is_one_clear_line(service: Service, validation: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XR_ENABLE_API_LAYERS")
    service.stop()
    with pytest.raises(DisplayError, match="is it running") as caught:
        OpenXrDisplay(STANDING)
    assert "\n" not in str(caught.value)
    service.start()
    monkeypatch.setenv("XR_ENABLE_API_LAYERS", "XR_APILAYER_LUNARG_core_validation")
    OpenXrDisplay(STANDING).close()


def test_no_runtime_is_one_clear_line(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("XR_RUNTIME_JSON", str(tmp_path / "none.json"))
    with pytest.raises(DisplayError, match="cannot be loaded"):
        OpenXrDisplay(STANDING)
    monkeypatch.delenv("XR_RUNTIME_JSON")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    with pytest.raises(DisplayError, match="no OpenXR runtime is active"):
        OpenXrDisplay(STANDING)


def test_a_runtime_without_opengl_is_one_clear_line(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "available_extensions", lambda: frozenset({"XR_KHR_vulkan_enable2"}))
    with pytest.raises(DisplayError, match="no OpenGL pictures"):
        OpenXrDisplay(STANDING)


def test_a_headset_that_is_not_connected_is_one_clear_line(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*ignored: object) -> None:
        raise xr.FormFactorUnavailableError

    monkeypatch.setattr(xr, "get_system", absent)
    with pytest.raises(DisplayError, match="connect it and switch it on"):
        OpenXrDisplay(STANDING)


@pytest.mark.parametrize(("left_out", "linear"), [((), False), ((0x8C43, 0x8C41), True)])
def test_any_usual_swapchain_format_will_do(
    remote: Remote, validation: Report, monkeypatch: pytest.MonkeyPatch, left_out: tuple[int, ...], linear: bool
) -> None:
    """Formats that are not encoded as sRGB hold the same light in other numbers."""
    enumerate_formats = xr.enumerate_swapchain_formats
    monkeypatch.setattr(
        xr,
        "enumerate_swapchain_formats",
        lambda session: [number for number in enumerate_formats(session) if number not in left_out],
    )
    display = OpenXrDisplay(STANDING)
    assert display._connection is not None
    eyes = display._connection.eyes
    assert (eyes.colour_format not in (0x8C43, 0x8C41)) is linear
    show(display)
    show(display)
    light = 0.5 if not linear else ((0.5 + 0.055) / 1.055) ** 2.4
    import numpy as np

    for image in eyes._images:
        kind = np.float16 if eyes.colour_format == 0x881A else np.uint8
        raw = image.read(viewport=(9, 9, 1, 1), components=3, dtype="f2" if kind is np.float16 else "f1")
        value = np.frombuffer(raw, kind).astype(float) / (1 if kind is np.float16 else 255)
        assert np.allclose(value, light, atol=0.01)
    display.close()


def test_a_runtime_without_any_usual_format_is_one_clear_line(
    remote: Remote, validation: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xr, "enumerate_swapchain_formats", lambda session: [0x1234])
    with pytest.raises(DisplayError, match="0x1234"):
        OpenXrDisplay(STANDING)


def test_where_there_is_no_stage_the_floor_is_assumed(
    remote: Remote, validation: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    monkeypatch.setattr(
        xr, "enumerate_reference_spaces", lambda session: [xr.ReferenceSpaceType.VIEW, xr.ReferenceSpaceType.LOCAL]
    )
    display = OpenXrDisplay(STANDING)
    request = show(display)
    assert display._connection is not None
    assert not display._connection.space.has_floor
    head = np.linalg.inv(request.eyes[0].view_44.astype(float))
    assert display._connection.space._eyes is not None
    level = display._connection.space._eyes.head_44[1, 3]
    assert head[1, 3] == pytest.approx(1.6 + level, abs=1e-3)
    display.close()


def test_the_runtime_recentres_and_the_world_follows(display: OpenXrDisplay, monkeypatch: pytest.MonkeyPatch) -> None:
    collect(display, 2)
    assert display._connection is not None
    display._connection.space.recentre()
    told = iter([[Event.RECENTRED]])
    monkeypatch.setattr(display._connection.session, "poll", lambda: next(told, []))
    show(display)
    assert display.actions() == [Action.RECENTRE]
    assert display._connection.space._world_44 == pytest.approx(STANDING.matrix_44())


def test_the_runtime_asks_for_the_end(display: OpenXrDisplay) -> None:
    show(display)
    assert display._connection is not None
    xr.request_exit_session(display._connection.session.handle)
    for _ in range(50):
        if display.begin_frame() is None:
            return
        display.end_frame()
    pytest.fail("it never ended")


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
    while second.poll() is None and time.monotonic() < deadline:
        show(display)
    assert second.wait(5) == 0
    assert second.stdout is not None
    assert "second" in second.stdout.read()
    show(display)


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


def test_what_a_runtime_is_can_be_asked_without_a_session(service: Service) -> None:
    from artem_vr.doctor import PROBES, inspect_machine
    from artem_vr.xr.probe import probe

    found = probe()
    assert "Monado" in found.runtime
    assert found.eye_size == (320, 240)
    assert "XR_KHR_opengl_enable" in found.switched_on
    assert set(found.switched_on) < set(found.extensions)
    findings = inspect_machine([item for item in PROBES if item[0] == "OpenXR"])
    assert [finding.status for finding in findings] == ["ok"] * 3
    assert "two eyes of 320x240" in findings[1].detail
    service.stop()
    with pytest.raises(DisplayError):
        probe()
    findings = inspect_machine([item for item in PROBES if item[0] == "OpenXR"])
    assert findings[-1].status == "warning"
    assert findings[-1].advice
