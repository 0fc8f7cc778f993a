"""What the other OpenXR tests stand on: a live runtime, devices that can be moved, and a validation layer that sees."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import xr
from monado import Runtime, Service, ServiceError
from remote import Hand, Remote, RemoteError
from validation import Report

pytestmark = pytest.mark.xr

HEADLESS = "XR_MND_headless"
CLOCK = "XR_KHR_convert_timespec_time"


@contextmanager
def an_instance() -> Iterator[Any]:
    instance = xr.create_instance(xr.InstanceCreateInfo(enabled_extension_names=[HEADLESS, CLOCK]))
    try:
        yield instance
    finally:
        with suppress(xr.XrException):
            xr.destroy_instance(instance)


@dataclass
class Client:
    """A session without graphics: enough to be told where things are and what is pressed."""

    instance: Any
    session: Any
    room: Any
    head: Any

    def space(self, kind: Any) -> Any:
        return xr.create_reference_space(self.session, xr.ReferenceSpaceCreateInfo(reference_space_type=kind))

    def head_position(self) -> tuple[float, float, float]:
        now = time.monotonic_ns()
        stamp = xr.timespec(now // 10**9, now % 10**9)
        when = xr.convert_timespec_time_to_time_khr(self.instance, stamp)
        position = xr.locate_space(self.head, self.room, when).pose.position
        return position.x, position.y, position.z


@contextmanager
def a_client() -> Iterator[Client]:
    with an_instance() as instance:
        system = xr.get_system(instance, xr.SystemGetInfo(form_factor=xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        session = xr.create_session(instance, xr.SessionCreateInfo(system_id=system))
        client = Client(instance, session, None, None)
        client.room, client.head = client.space(xr.ReferenceSpaceType.STAGE), client.space(xr.ReferenceSpaceType.VIEW)
        yield client


def wait_until(holds: Any, within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "that never came"
        time.sleep(0.02)


def test_the_runtime_is_a_live_monado(service: Service) -> None:
    with an_instance() as instance:
        assert b"Monado" in xr.get_instance_properties(instance).runtime_name
        system = xr.get_system(instance, xr.SystemGetInfo(form_factor=xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        assert b"Remote" in xr.get_system_properties(instance, system).system_name
    assert service.is_running


def test_the_head_goes_where_it_is_told(remote: Remote) -> None:
    with a_client() as client:
        wait_until(lambda: client.head_position() == pytest.approx((0.0, 1.6, 0.0), abs=1e-4))
        remote.move_head((0.25, 1.5, -0.75))
        wait_until(lambda: client.head_position() == pytest.approx((0.25, 1.5, -0.75), abs=1e-4))


def test_a_killed_service_is_noticed_and_starts_again(service: Service, remote: Remote) -> None:
    with a_client() as client:
        service.kill()
        assert not service.is_running
        # Where something is can still be asked: it is nowhere.
        with pytest.raises(xr.exception.InstanceLostError):
            xr.poll_event(client.instance)
    with pytest.raises(OSError):
        for _ in range(100):  # the first ones are only put into a buffer
            remote.send()
            time.sleep(0.02)
    with pytest.raises(RemoteError, match="nothing answers"):
        Remote(within=0.1)
    service.start()
    with Remote() as again, a_client() as client:
        again.move_head((0.0, 1.0, 0.0))
        wait_until(lambda: client.head_position() == pytest.approx((0.0, 1.0, 0.0), abs=1e-4))
    service.stop()
    assert "Server exiting: '0'" in service.log


def test_the_service_comes_back_for_the_next_test(service: Service) -> None:
    assert service.is_running


def test_a_second_service_is_refused(service: Service, runtime: Runtime, tmp_path: Any) -> None:
    with pytest.raises(ServiceError, match="port 4242 is taken"):
        Service(runtime, tmp_path).start()


@pytest.mark.window
def test_the_windowed_service_takes_the_place_of_the_other(windowed_service: Service, null_service: Service) -> None:
    assert windowed_service.is_running
    assert not null_service.is_running
    with an_instance() as instance:
        system = xr.get_system(instance, xr.SystemGetInfo(form_factor=xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        kind = xr.ViewConfigurationType.PRIMARY_STEREO
        views = xr.enumerate_view_configuration_views(instance, system, kind)
        sizes = [(view.recommended_image_rect_width, view.recommended_image_rect_height) for view in views]
    assert sizes == [(1344, 1512)] * 2


@pytest.mark.parametrize("hand", ["left", "right"])
def test_a_button_that_no_controller_has_is_refused(remote: Remote, hand: Hand) -> None:
    with pytest.raises(ValueError, match="no warp_drive"):
        remote.press(hand, "warp_drive")


def test_the_validation_layer_has_nothing_against_good_calls(service: Service, validation: Report) -> None:
    with a_client() as client:
        client.head_position()
    assert validation.findings() == []


def test_the_validation_layer_sees_a_wrong_structure(service: Service, tmp_path: Any, monkeypatch: Any) -> None:
    report = Report(tmp_path / "validation.txt")
    for name, value in report.environment().items():
        monkeypatch.setenv(name, value)
    with a_client() as client, pytest.raises(xr.exception.ValidationFailureError):
        wrong = xr.ReferenceSpaceCreateInfo(type=xr.StructureType.FRAME_END_INFO)
        xr.create_reference_space(client.session, wrong)
    assert any(line.startswith("error in xrCreateReferenceSpace: ") for line in report.findings())
    with pytest.raises(pytest.fail.Exception, match="XrReferenceSpaceCreateInfo has an invalid XrStructureType"):
        report.check()


def test_a_validation_layer_that_was_not_there_is_not_taken_for_content(tmp_path: Any) -> None:
    with pytest.raises(pytest.fail.Exception, match="no OpenXR instance"):
        Report(tmp_path / "validation.txt").check()
