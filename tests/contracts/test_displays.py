"""The suite over the flat displays; tests/xr runs it over the headset."""

from collections.abc import Iterator

import numpy as np
import pytest
from display_contract import *  # noqa: F403
from display_contract import Stage, paint

from artem_vr.camera import Pose
from artem_vr.displays.glfw import GlfwDisplay
from artem_vr.displays.headless import HeadlessDisplay
from artem_vr.ports import Display

SIZE = (320, 180)
DISPLAYS = {"headless": HeadlessDisplay, "window": GlfwDisplay}


def standing(seconds: float) -> Pose:
    return Pose((1.0, 1.6, -2.0), yaw=0.3)


@pytest.fixture(params=["headless", pytest.param("window", marks=pytest.mark.window)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "window":
        request.getfixturevalue("screen")
    opened: list[Display] = []

    def opening(frames: int | None = None) -> Display:
        opened.append(DISPLAYS[request.param](SIZE, standing, frames=frames))
        return opened[-1]

    yield Stage(opening, (SIZE[0] // 2, SIZE[1]))
    for display in opened:
        display.close()


def test_text_lies_over_both_eyes_and_goes_away(stage: Stage) -> None:
    display = stage.open()
    seen = []
    for lines in (["great-wave", "strength 0.8"], []):
        display.show_text(lines)
        display.begin_frame()
        paint(display, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        display.end_frame()
        seen.append(display.read_pixels())
    text, plain = seen
    assert np.ptp(plain.astype(int)) == 0
    assert np.array_equal(text[:, : stage.eye_size[0]], text[:, stage.eye_size[0] :])
    assert text.max() > 240
    assert text.min() < 100
