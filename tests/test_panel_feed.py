"""What a headset's panel is told while the painting goes on."""

from pathlib import Path

import numpy as np
import pytest
from banks import random_bank

from artem_vr.camera import Pose, stereo_views
from artem_vr.frame import FrameRequest
from artem_vr.panel_feed import PanelFeed
from artem_vr.panel_picture import PanelState
from artem_vr.ports import Action, Controls
from artem_vr.stats import RunStats
from artem_vr.style_control import StyleControl

EYES = stereo_views(Pose((0.0, 0.0, 0.0)), (64, 64))


class Run:
    """A run at 10 frames a second, of which every second one has new paint that is 40 ms old."""

    def __init__(self, folder: Path) -> None:
        self.told: list[PanelState] = []
        self.control = StyleControl(random_bank(folder), "red")
        self.stats = RunStats()
        self.feed = PanelFeed(self.control, self.stats, ["red", "green", "blue"], self.told.append)
        self._count = 0

    def frames(self, count: int, painted: bool = True) -> PanelState:
        for _ in range(count):
            now = self._count / 10
            painting = object() if painted and self._count % 2 == 0 else None
            self.control.vectors(now)
            self.stats.frame_shown(painting, 0.04 if painted else None, 0)
            self.feed.frame_shown(FrameRequest(self._count, now, EYES, (64, 64)))
            self._count += 1
        return self.told[-1]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_rates_are_those_of_the_last_second(run: Run) -> None:
    state = run.frames(40)
    assert state.shown_fps == pytest.approx(10, abs=0.1)
    assert state.painted_fps == pytest.approx(5, abs=0.6)
    assert state.age_ms == pytest.approx(40)
    assert run.frames(15, painted=False).painted_fps == pytest.approx(0, abs=0.1)


def test_before_the_first_paint_nothing_is_said_of_its_age(run: Run) -> None:
    assert run.frames(3, painted=False).age_ms is None


def test_it_tells_the_style_and_what_is_done_with_it(run: Run) -> None:
    state = run.frames(3)
    assert (state.title, state.artist, state.strength, state.plain) == ("Red", "A Test", 1.0, False)
    run.control.handle(Action.NEXT_STYLE, 0.3)
    assert run.frames(1).title == "Green"
    for step in range(8):
        run.control.steer(Controls(mix=1.0, strength=-1.0), 0.4 + step / 10)
        state = run.frames(1)
    assert 0 < state.strength < 1
    assert state.blend > 0
    assert state.blend_title == "Blue"


def test_thumbnails_are_there_before_the_first_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artem_vr import panel_feed

    asked: list[str] = []
    picture = np.zeros((4, 4, 3), np.uint8)
    monkeypatch.setattr(panel_feed, "load_thumbnail", lambda style: asked.append(style) or picture)
    run = Run(tmp_path)
    assert sorted(asked) == ["blue", "green", "red"]
    assert run.frames(30).thumbnail is picture
    assert len(asked) == 3
