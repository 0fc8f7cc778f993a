"""The suite that every display passes, over the headset."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from remote import Remote
from validation import Report

sys.path.append(str(Path(__file__).parents[1] / "contracts"))

from display_contract import *  # noqa: F403
from display_contract import Stage

from artem_vr.camera import Pose
from artem_vr.displays.openxr.display import OpenXrDisplay
from artem_vr.ports import Display

pytestmark = pytest.mark.xr


@pytest.fixture
def stage(remote: Remote, validation: Report) -> Iterator[Stage]:
    opened: list[Display] = []

    def opening(frames: int | None = None) -> Display:
        # The remote head is 1.6 m above the floor.
        opened.append(OpenXrDisplay(Pose((1.0, 0.0, -2.0), yaw=0.3), frames, keep=True))
        return opened[-1]

    yield Stage(opening, (320, 240))
    for display in opened:
        display.close()
