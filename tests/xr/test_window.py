"""The windowed runtime: what its compositor shows on a screen, and the contexts of a window system."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from headset import show
from monado import Runtime, Service
from PIL import ImageGrab
from remote import Remote
from validation import Report

from artem_vr.camera import Pose
from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.panel_picture import PanelState

pytestmark = [pytest.mark.xr, pytest.mark.window, pytest.mark.usefixtures("no_welcome")]

STANDING = Pose((0.0, 0.0, 0.0))
LEFT, RIGHT = (0.8, 0.2, 0.1), (0.1, 0.3, 0.9)


Open = Callable[..., OpenXrDisplay]


@pytest.fixture
def open_display(validation: Report) -> Iterator[Open]:
    opened: list[OpenXrDisplay] = []

    def opening(**options: object) -> OpenXrDisplay:
        opened.append(OpenXrDisplay(STANDING, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield opening
    for display in opened:
        display.close()


def seen(display: OpenXrDisplay, screen: str) -> np.ndarray:
    """What the compositor's window shows some frames later: it is that far behind."""
    for count in range(60):
        show(display, LEFT, RIGHT)
        picture = np.asarray(ImageGrab.grab(xdisplay=screen).convert("RGB"), int)
        lit = np.argwhere(picture.max(axis=-1) > 30)
        if count >= 20 and len(lit):
            bottom, right = lit.max(axis=0)
            return picture[: bottom + 1, : right + 1]
    raise AssertionError("the window stays black")


def near(picture: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
    return np.abs(picture - np.array(colour) * 255).max(axis=-1) <= 6


def test_the_compositor_shows_both_eyes_in_their_colours_and_the_panel_over_them(
    windowed_service: Service, remote: Remote, screen: str, open_display: Open
) -> None:
    display = open_display(eye_scale=0.5)
    plain = seen(display, screen)
    half = plain.shape[1] // 2
    # Encoded twice, or not at all, the colours would be quite others.
    assert near(plain[:, :half], LEFT).mean() > 0.95
    assert near(plain[:, half:], RIGHT).mean() > 0.95
    display.show_status(PanelState("The Great Wave off Kanagawa", "Katsushika Hokusai"))
    remote.press("left", "b_click")
    show(display, LEFT, RIGHT)
    show(display, LEFT, RIGHT)
    remote.release("left", "b_click")
    opened = seen(display, screen)
    for eye in (slice(0, half), slice(half, None)):
        dark = opened[:, eye].max(axis=-1) < 110
        assert 0.02 < dark.mean() < 0.5, "its ground"
        assert (opened[:, eye].min(axis=-1) > 200).sum() > 50, "its letters"


def test_a_context_of_the_window_system_will_do_as_well(
    windowed_service: Service, remote: Remote, runtime: Runtime, screen: str, validation: Report, tmp_path: Path
) -> None:
    """SteamVR takes GLX alone; a runtime that says so gets it. X wants a process in which EGL was never used."""
    script = tmp_path / "glx.py"
    script.write_text(
        "from artem_vr.camera import Pose\n"
        "from artem_vr.displays.openxr.display import OpenXrDisplay\n"
        "from artem_vr.xr import runtime\n"
        "offered = runtime.available_extensions()\n"
        "runtime.available_extensions = lambda: offered - {runtime.EGL}\n"
        "display = OpenXrDisplay(Pose((0.0, 0.0, 0.0)), keep=True, eye_scale=0.25)\n"
        "for _ in range(3):\n"
        "    assert display.begin_frame() is not None\n"
        "    for eye in range(2):\n"
        "        framebuffer, viewport = display.target(eye)\n"
        "        framebuffer.clear(eye, 0.0, 1.0 - eye, 1.0, viewport=viewport)\n"
        "    display.end_frame()\n"
        "pixels = display.read_pixels()\n"
        "print(display._graphics.kind, *pixels[9, 9], *pixels[9, -9])\n"
        "display.close()\n"
    )
    environment = {**os.environ, "DISPLAY": screen}
    done = subprocess.run(
        [*runtime.prefix, str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "GLX 0 0 255 255 0 0"
