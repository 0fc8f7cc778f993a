"""What the OpenXR tests need: a Python that can load the runtime, Monado's service, and a hand on its devices.

Tests marked `xr` run in a Python of their own (forwarding.py), where these fixtures are. One service runs at a time.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forwarding
import pytest
from launch import python_with_runtime
from monado import Runtime, Service, find_runtime
from other_pytest import INSIDE_VARIABLE
from remote import Remote
from validation import Report

from artem_vr.camera import Pose

if TYPE_CHECKING:
    from artem_vr.displays.openxr.display import OpenXrDisplay


def pytest_configure(config: pytest.Config) -> None:
    forwarding.install(config, Path(__file__).parent, "xr", python_with_runtime)


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    if INSIDE_VARIABLE not in os.environ:
        pytest.fail("a test that needs an OpenXR runtime is marked xr")
    return find_runtime()


@pytest.fixture(scope="session")
def null_service(runtime: Runtime) -> Iterator[Service]:
    """The service that `service` keeps running from test to test, and that makes room for another."""
    service = Service(runtime, Path(os.environ["HOME"]))
    yield service
    service.stop()


@pytest.fixture
def service(null_service: Service) -> Service:
    """A running service without a display: 320x240 an eye, 20 Hz. A test may kill, stop and start it."""
    if not null_service.is_running:
        null_service.start()
    return null_service


@pytest.fixture
def windowed_service(null_service: Service, runtime: Runtime, screen: str) -> Iterator[Service]:
    """A running service whose compositor draws into a window on `screen`: 1344x1512 an eye, 60 Hz."""
    null_service.stop()
    service = Service(runtime, Path(os.environ["HOME"]))
    service.start(window=screen)
    yield service
    service.stop()


@pytest.fixture
def remote(request: pytest.FixtureRequest) -> Iterator[Remote]:
    """A hand on the devices of the test's service, at rest: head at (0, 1.6, 0), both controllers on."""
    request.getfixturevalue("windowed_service" if "windowed_service" in request.fixturenames else "service")
    with Remote() as connected:
        yield connected


@pytest.fixture
def no_welcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel does not come up by itself at the beginning, where it would hide part of the picture."""
    from artem_vr.displays.openxr import display

    monkeypatch.setattr(display, "WELCOME_SECONDS", 0.0)


@pytest.fixture
def validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Report]:
    """OpenXR instances made in the test are checked by the validation layer; the test fails if that finds anything."""
    report = Report(tmp_path / "validation.txt")
    for name, value in report.environment().items():
        monkeypatch.setenv(name, value)
    yield report
    report.check()


@pytest.fixture
def open_display(remote: Remote, validation: Report) -> "Iterator[Callable[..., OpenXrDisplay]]":
    """Opens headsets that are closed after the test."""
    from headset import ORIGIN

    from artem_vr.displays.openxr.display import OpenXrDisplay

    opened: list[OpenXrDisplay] = []

    def opening(origin: Pose = ORIGIN, **options: Any) -> OpenXrDisplay:
        opened.append(OpenXrDisplay(origin, **options))
        return opened[-1]

    yield opening
    for display in opened:
        display.close()


@pytest.fixture
def display(open_display: "Callable[..., OpenXrDisplay]") -> "OpenXrDisplay":
    """A headset whose pictures can be read, for a person at the world's origin."""
    return open_display(Pose((0.0, 0.0, 0.0)), keep=True)
