"""What runtimes may lack, offer or tell, and what becomes of it."""

import ctypes

import pytest
from headset import collect, show
from monado import Service
from remote import Remote
from validation import Report

from artem_vr.camera import Pose
from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.errors import DisplayError, GraphicsError
from artem_vr.ports import Action
from artem_vr.xr import graphics_binding
from artem_vr.xr import runtime as runtime_module
from artem_vr.xr.library import xr

pytestmark = pytest.mark.xr
STANDING = Pose((0.0, 0.0, 0.0))


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


def test_the_context_has_the_version_that_the_runtime_wants(
    remote: Remote, validation: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drivers hand out exactly what is asked for, and runtimes for headsets want more than this program does."""
    ask = graphics_binding.lowest_version  # which OpenXR insists on before a session
    monkeypatch.setattr(graphics_binding, "lowest_version", lambda runtime: max(ask(runtime), (4, 3)))
    display = OpenXrDisplay(STANDING)
    assert display.ctx.version_code >= 430
    show(display)
    display.close()
    monkeypatch.setattr(graphics_binding, "lowest_version", lambda runtime: max(ask(runtime), (9, 9)))
    with pytest.raises(GraphicsError, match=r"9\.9"):
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
    assert display._connection.space.eyes is not None
    level = display._connection.space.eyes.head_44[1, 3]
    assert head[1, 3] == pytest.approx(1.6 + level, abs=1e-3)
    display.close()


def _tell_of_a_change(display: OpenXrDisplay, monkeypatch: pytest.MonkeyPatch, kind: object, frames: int) -> None:
    """As a runtime does whose own recentring takes effect so many frames from now."""
    assert display._connection is not None
    last = display._refresh.last
    assert last is not None
    time = last.time + frames * last.period
    told = xr.EventDataReferenceSpaceChangePending(
        session=display._connection.session.handle, reference_space_type=kind, change_time=time
    )
    pending = [told]
    ask = display._connection.session._next_event
    monkeypatch.setattr(
        display._connection.session, "_next_event", lambda: _as_buffer(pending.pop()) if pending else ask()
    )


def _as_buffer(event: object) -> object:
    buffer = xr.EventDataBuffer()
    ctypes.memmove(ctypes.byref(buffer), ctypes.byref(event), ctypes.sizeof(event))  # type: ignore[arg-type]
    return buffer


def test_our_own_space_moves_when_the_time_has_come(
    display: OpenXrDisplay, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.move_head((0.4, 1.6, 0.2))
    collect(display, 4)
    assert display._connection is not None
    display._connection.space.recentre()
    _tell_of_a_change(display, monkeypatch, xr.ReferenceSpaceType.STAGE, frames=6)
    asked = [collect(display, 1)[0] for _ in range(12)]
    assert asked[0] == [], "not before its time"
    assert [action for actions in asked for action in actions] == [Action.RECENTRE]
    assert display._connection.space.world_44 == pytest.approx(STANDING.matrix_44())


def test_a_person_who_recentres_with_the_headsets_own_button_faces_the_front(
    display: OpenXrDisplay, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That moves LOCAL, and the stage that the world stands on stays: what is meant is meant here too."""
    import numpy as np

    collect(display, 2)
    remote.move_head((0.4, 1.5, 0.2), (0.0, 0.6, 0.0, 0.8))
    collect(display, 3)
    _tell_of_a_change(display, monkeypatch, xr.ReferenceSpaceType.LOCAL, frames=0)
    assert collect(display, 3)[0] == [Action.RECENTRE]
    head = np.linalg.inv(show(display).eyes[0].view_44.astype(float))
    assert head[:3, :3] == pytest.approx(np.eye(3), abs=2e-3)
    assert head[1, 3] == pytest.approx(1.5, abs=2e-3)
    _tell_of_a_change(display, monkeypatch, xr.ReferenceSpaceType.VIEW, frames=0)
    assert collect(display, 3)[0] == []


def test_an_event_without_a_name_is_passed_over(display: OpenXrDisplay, monkeypatch: pytest.MonkeyPatch) -> None:
    assert display._connection is not None
    buffer = xr.EventDataBuffer()
    buffer._type = 1_000_999_999
    assert display._connection.session._take(buffer) == []


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
