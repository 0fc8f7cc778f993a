import math
from collections.abc import Iterator

import numpy as np
import pytest
from screen_stage import (
    BLUE,
    DISTANCE,
    EYE,
    FOCAL,
    FOV,
    HALF_WIDTH,
    SIZE,
    WHITE,
    InnerDisplay,
    Stage,
    edges,
    plain,
    standing,
)

from artem_vr.camera import stereo_views
from artem_vr.displays.world_screen import WorldScreen
from artem_vr.errors import UsageError
from artem_vr.ports import Action, Controls


@pytest.fixture
def stage() -> Iterator[Stage]:
    opened = Stage(InnerDisplay(standing, script={1: [Action.MORE, Action.RECENTRE]}), "world", live=False)
    yield opened
    opened.close()


def test_a_request_is_for_the_picture_and_for_the_eyes_of_the_inner_display() -> None:
    inner = InnerDisplay(standing, frames=1)
    screen = WorldScreen(inner, SIZE, FOV, "world", False)
    request = screen.begin_frame()
    assert request is not None
    assert request.eye_size == SIZE
    assert request.gaze == ((0.5, 0.5), (0.5, 0.5)), "its own middle, wherever the inner eyes look"
    expected = stereo_views(standing(0), EYE)
    assert all(np.allclose(mine.view_44, its.view_44) for mine, its in zip(request.eyes, expected, strict=True))
    framebuffer, viewport = screen.target(1)
    assert viewport == (200, 0, 200, 100)
    assert framebuffer.size == (400, 100)
    screen.end_frame()
    assert screen.begin_frame() is None
    screen.close()


def test_the_inner_display_hears_of_a_picture_for_its_own_eyes_and_time(stage: Stage) -> None:
    for _ in range(2):
        shown = stage.show(plain(WHITE), age=0.1)
    told = stage.inner.expected[-1]
    assert (told.captured_at, told.eyes) == (shown.request.time, shown.request.eyes)
    assert (told.depth, told.content) == (None, None)
    assert [frame.sequence for frame in stage.inner.expected] == [0, 1]


def test_everything_else_is_the_inner_display(stage: Stage) -> None:
    screen = stage.screen
    assert (screen.name, screen.ctx) == ("headless", stage.inner.ctx)
    assert screen.help_lines == ["button\twhat it does"]
    assert screen.controls() == Controls(strength=0.5, clear=True)
    stage.inner.missed_frames = 7
    without = stage.show(plain(BLUE)).images[0]
    assert screen.missed_frames == 7
    screen.show_text(["great-wave"])
    assert stage.show(plain(BLUE)).images[0].max() > 240
    screen.show_text([])
    assert np.array_equal(stage.show(plain(BLUE)).images[0], without)


def test_actions_are_passed_on_once(stage: Stage) -> None:
    asked = []
    for _ in range(3):
        stage.screen.begin_frame()
        asked.append(stage.screen.actions())
        stage.screen.end_frame()
    assert asked == [[], [Action.MORE, Action.RECENTRE], []]
    assert stage.screen.actions() == []


def test_a_picture_nobody_announced_is_shown_whole(stage: Stage) -> None:
    stage.screen.begin_frame()
    framebuffer, _ = stage.screen.target(0)
    framebuffer.clear(1.0, 1.0, 1.0, 1.0)
    stage.screen.end_frame()
    left, right = edges(stage.screen.read_pixels()[EYE[1] // 2, : EYE[0]])
    assert right - left == pytest.approx(2 * FOCAL * HALF_WIDTH / DISTANCE, abs=0.5)


def test_closing_twice_closes_the_inner_display_once() -> None:
    inner = InnerDisplay(standing)
    screen = WorldScreen(inner, SIZE, FOV, "world", False)
    screen.close()
    screen.close()
    assert inner.closed == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fov": 0.0}, "between 0 and 180"),
        ({"fov": math.pi}, "between 0 and 180"),
        ({"lock": "wrold"}, "did you mean world"),
        ({"latency": -0.1}, "0 or more"),
        ({"distance": 0.0}, "more than 0"),
        ({"size": (0, 100)}, "larger size"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_inner_display_stays_open(
    changes: dict[str, object], message: str
) -> None:
    inner = InnerDisplay(standing)
    arguments: dict[str, object] = {"size": SIZE, "fov": FOV, "lock": "world", "live": False, **changes}
    with pytest.raises(UsageError, match=message):
        WorldScreen(inner, **arguments)  # type: ignore[arg-type]
    assert inner.closed == 0
    assert inner.begin_frame() is not None
    inner.close()
