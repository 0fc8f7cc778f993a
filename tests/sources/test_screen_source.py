import time
from collections.abc import Callable

import numpy as np
import pytest
from media_samples import request as frame_request

from artem_vr.errors import InputError
from artem_vr.sources.camera import CameraSource
from artem_vr.sources.screen import Screen, open_screen

PATIENCE = 10.0


def fill(screen: str, rgb: tuple[int, int, int]) -> None:
    """Paints the root window of an X display in one colour."""
    pytest.importorskip("Xlib", reason="python-xlib is not installed")
    from Xlib import display

    connection = display.Display(screen)
    root = connection.screen().root
    red, green, blue = rgb
    root.change_attributes(background_pixel=red << 16 | green << 8 | blue)
    root.clear_area()
    connection.sync()
    connection.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.window
def test_sees_what_the_screen_shows(screen: str) -> None:
    fill(screen, (200, 40, 90))
    opened = open_screen()
    good, bgr_HWC = opened.read()
    opened.release()
    assert good
    assert opened.size == (1280, 800)
    assert bgr_HWC.shape == (800, 1280, 3)
    assert bgr_HWC.dtype == np.uint8
    assert (bgr_HWC[100, 100] == (90, 40, 200)).all()


@pytest.mark.window
def test_as_a_source_it_follows_the_screen(screen: str) -> None:
    fill(screen, (10, 20, 30))
    source = CameraSource(open_screen, "screen")
    try:
        first = source.read(frame_request(0.0))
        assert first.rgb_EHWC.shape == (1, 800, 1280, 3)
        assert (first.rgb_EHWC[0, 50, 50] == (10, 20, 30)).all()
        fill(screen, (250, 120, 0))
        until(lambda: bool((source.read(frame_request(0.0)).rgb_EHWC[0, 50, 50] == (250, 120, 0)).all()))
        assert source.read(frame_request(0.0)).sequence > first.sequence
    finally:
        source.close()


@pytest.mark.window
def test_keeps_its_pace(screen: str) -> None:
    opened = Screen(0, fps=20.0)
    opened.read()
    start = time.monotonic()
    for _ in range(6):
        opened.read()
    opened.release()
    assert time.monotonic() - start > 0.25


@pytest.mark.window
def test_a_monitor_that_is_not_there(screen: str) -> None:
    with pytest.raises(InputError, match="no monitor 7"):
        open_screen(7)


def test_no_screen_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(InputError, match=r"no screen to paint .*--source scene"):
        open_screen()


@pytest.mark.window
def test_a_screen_that_cannot_be_reached(screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":8123")
    with pytest.raises(InputError, match=r"cannot be read .*--source scene") as error:
        open_screen()
    assert "\n" not in str(error.value)
