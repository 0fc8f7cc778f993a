"""One suite over every display."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from artem_vr.camera import Pose
from artem_vr.displays.glfw import GlfwDisplay
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.ports import Display

SIZE = (320, 180)
Open = Callable[..., Display]
DISPLAYS: dict[str, Open] = {"headless": HeadlessDisplay, "window": GlfwDisplay}


def standing(seconds: float) -> Pose:
    return Pose((1.0, 1.6, -2.0), yaw=0.3)


@pytest.fixture(params=["headless", pytest.param("window", marks=pytest.mark.window)])
def open_display(request: pytest.FixtureRequest) -> Iterator[Open]:
    if request.param == "window":
        request.getfixturevalue("screen")
    opened: list[Display] = []

    def opening(frames: int | None = None) -> Display:
        opened.append(DISPLAYS[request.param](SIZE, standing, frames=frames))
        return opened[-1]

    yield opening
    for display in opened:
        display.close()


def paint(display: Display, left: tuple[float, float, float], right: tuple[float, float, float]) -> None:
    for eye, color in enumerate((left, right)):
        framebuffer, viewport = display.target(eye)
        framebuffer.clear(*color, 1.0, viewport=viewport)


def test_it_gives_as_many_frames_as_asked_and_then_none(open_display: Open) -> None:
    display = open_display(frames=3)
    requests = []
    while (request := display.begin_frame()) is not None:
        display.end_frame()
        requests.append(request)
    assert [request.sequence for request in requests] == [0, 1, 2]
    assert requests[0].time < requests[1].time < requests[2].time
    assert display.begin_frame() is None


def test_a_request_describes_both_eyes(open_display: Open) -> None:
    request = open_display().begin_frame()
    assert request is not None
    assert request.eye_size == (160, 180)
    left, right = (np.linalg.inv(eye.view_44)[:3, 3] for eye in request.eyes)
    assert np.allclose((left + right) / 2, (1.0, 1.6, -2.0), atol=1e-5)
    to_right = np.linalg.inv(request.eyes[0].view_44)[:3, 0]
    assert np.allclose((right - left) / np.linalg.norm(right - left), to_right, atol=1e-4)


def test_each_eye_is_drawn_into_its_half(open_display: Open) -> None:
    display = open_display()
    display.begin_frame()
    paint(display, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    display.end_frame()
    pixels = display.read_pixels()
    assert pixels.shape == (180, 320, 3)
    assert pixels.dtype == np.uint8
    assert np.all(pixels[:, :160] == (255, 0, 0))
    assert np.all(pixels[:, 160:] == (0, 0, 255))


def test_the_top_row_is_read_first(open_display: Open) -> None:
    display = open_display()
    display.begin_frame()
    paint(display, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    framebuffer, (x, y, width, height) = display.target(1)
    framebuffer.clear(1.0, 1.0, 1.0, 1.0, viewport=(x, y + height - 10, width, 10))
    display.end_frame()
    pixels = display.read_pixels()
    assert np.all(pixels[:10, 160:] == 255)
    assert pixels[10:].max() == 0
    assert pixels[:, :160].max() == 0


def test_text_lies_over_both_eyes_and_goes_away(open_display: Open) -> None:
    display = open_display()
    seen = []
    for lines in (["great-wave", "strength 0.8"], []):
        display.show_text(lines)
        display.begin_frame()
        paint(display, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        display.end_frame()
        seen.append(display.read_pixels())
    text, plain = seen
    assert np.ptp(plain.astype(int)) == 0
    assert np.array_equal(text[:, :160], text[:, 160:])
    assert text.max() > 240
    assert text.min() < 100


def test_nothing_is_asked_for_when_nobody_asks(open_display: Open) -> None:
    display = open_display(frames=1)
    display.begin_frame()
    display.end_frame()
    assert display.actions() == []


def test_it_has_a_name_and_a_context_that_draws(open_display: Open) -> None:
    display = open_display()
    assert display.name
    assert all(isinstance(line, str) for line in display.help_lines)
    texture = display.ctx.texture((2, 2), 4, b"\x07" * 16)
    assert texture.read() == b"\x07" * 16


def test_closing_twice_is_fine_and_it_can_be_opened_again(open_display: Open) -> None:
    for _ in range(2):
        display = open_display(frames=1)
        assert display.begin_frame() is not None
        display.end_frame()
        display.close()
        display.close()
