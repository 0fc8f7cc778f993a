"""One suite over every display.

A file of tests gives the fixture `stage` and imports all of this.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from artem_vr.frame import Size
from artem_vr.ports import Controls, Display


@dataclass(frozen=True)
class Stage:
    """How a suite opens the display that it is run for: with `frames`, where a head stands at (1, 1.6, -2).

    `eye_size` is what an eye then has.
    """

    open: Callable[..., Display]
    eye_size: Size


def paint(display: Display, left: tuple[float, float, float], right: tuple[float, float, float]) -> None:
    for eye, color in enumerate((left, right)):
        framebuffer, viewport = display.target(eye)
        framebuffer.clear(*color, 1.0, viewport=viewport)


def test_it_gives_as_many_frames_as_asked_and_then_none(stage: Stage) -> None:
    display = stage.open(frames=3)
    requests = []
    while (request := display.begin_frame()) is not None:
        display.end_frame()
        requests.append(request)
    assert [request.sequence for request in requests] == [0, 1, 2]
    assert requests[0].time < requests[1].time < requests[2].time
    assert display.begin_frame() is None


def test_a_request_describes_both_eyes(stage: Stage) -> None:
    request = stage.open().begin_frame()
    assert request is not None
    assert request.eye_size == stage.eye_size
    left, right = (np.linalg.inv(eye.view_44)[:3, 3] for eye in request.eyes)
    assert np.allclose((left + right) / 2, (1.0, 1.6, -2.0), atol=2e-3)
    to_right = np.linalg.inv(request.eyes[0].view_44)[:3, 0]
    assert np.allclose((right - left) / np.linalg.norm(right - left), to_right, atol=1e-4)


def test_each_eye_is_drawn_into_its_half(stage: Stage) -> None:
    display = stage.open()
    display.begin_frame()
    paint(display, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    display.end_frame()
    pixels = display.read_pixels()
    width, height = stage.eye_size
    assert pixels.shape == (height, 2 * width, 3)
    assert pixels.dtype == np.uint8
    assert np.all(pixels[:, :width] == (255, 0, 0))
    assert np.all(pixels[:, width:] == (0, 0, 255))


def test_the_top_row_is_read_first(stage: Stage) -> None:
    display = stage.open()
    display.begin_frame()
    paint(display, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    framebuffer, (x, y, width, height) = display.target(1)
    framebuffer.clear(1.0, 1.0, 1.0, 1.0, viewport=(x, y + height - 10, width, 10))
    display.end_frame()
    pixels = display.read_pixels()
    assert np.all(pixels[:10, stage.eye_size[0] :] == 255)
    assert pixels[10:].max() == 0
    assert pixels[:, : stage.eye_size[0]].max() == 0


def test_nothing_is_asked_for_when_nobody_asks(stage: Stage) -> None:
    display = stage.open(frames=1)
    display.begin_frame()
    display.end_frame()
    assert display.actions() == []
    assert display.controls() == Controls()


def test_it_has_a_name_and_a_context_that_draws(stage: Stage) -> None:
    display = stage.open()
    assert display.name
    assert all(isinstance(line, str) for line in display.help_lines)
    texture = display.ctx.texture((2, 2), 4, b"\x07" * 16)
    assert texture.read() == b"\x07" * 16


def test_closing_twice_is_fine_and_it_can_be_opened_again(stage: Stage) -> None:
    for _ in range(2):
        display = stage.open(frames=1)
        assert display.begin_frame() is not None
        display.end_frame()
        display.close()
        display.close()


def test_its_rate_is_known_where_it_has_one_of_its_own(stage: Stage) -> None:
    display = stage.open()
    display.begin_frame()
    display.end_frame()
    rate = display.refresh_rate
    assert (rate is None) == (display.missed_frames is None)
    assert rate is None or 1 < rate < 1000
