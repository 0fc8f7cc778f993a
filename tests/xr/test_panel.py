"""The panel's picture, drawn beside the frames that show it."""

import time
from collections.abc import Iterator

import moderngl
import numpy as np
import pytest

pytest.importorskip("OpenGL.GL", reason="PyOpenGL does not load")

from artem_vr.displays.openxr import panel
from artem_vr.displays.openxr.panel import SIZE, PanelPicture
from artem_vr.panel_picture import PanelState


@pytest.fixture
def picture(ctx: moderngl.Context) -> Iterator[PanelPicture]:
    opened = PanelPicture(ctx)
    yield opened
    opened.close()


def update_until_current(picture: PanelPicture, now: float = 0.0) -> None:
    deadline = time.monotonic() + 5
    while not picture.is_current and time.monotonic() < deadline:
        picture.update(now)
        time.sleep(0.01)
    assert picture.is_current, "the panel is never drawn"


def read(picture: PanelPicture) -> np.ndarray:
    return np.frombuffer(picture.texture.read(), np.uint8).reshape(SIZE[1], SIZE[0], 4)


def test_it_is_current_though_its_figures_change_with_every_frame(picture: PanelPicture) -> None:
    current = []
    for count in range(100):
        picture.state = PanelState("The Scream", shown_fps=float(count))
        picture.update(now=0.5 * count)  # slow frames: each may ask for a new drawing
        current.append(picture.is_current)
        time.sleep(0.02)
    assert not current[0], "nothing is drawn yet"
    assert any(current), "it waits for figures that never stand still"
    assert all(current[current.index(True) :]), "and once it is current it stays so"


def test_another_style_is_told_before_it_is_shown(picture: PanelPicture) -> None:
    picture.state = PanelState("The Scream")
    update_until_current(picture)
    before = read(picture)
    picture.state = PanelState("Starry Night")
    assert not picture.is_current
    update_until_current(picture)
    assert not np.array_equal(read(picture), before)
    # Upright in OpenGL: the title stands in the upper rows, which come last.
    assert read(picture)[SIZE[1] // 2 :, :, :3].max() > 240


def test_figures_alone_are_drawn_now_and_then(picture: PanelPicture, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(
        panel, "draw_panel", lambda state, size: drawn.append(state) or np.zeros((*size[::-1], 4), "u1")
    )
    for frame in range(120):
        picture.state = PanelState("The Scream", shown_fps=float(frame))
        picture.update(frame / 60)
        time.sleep(0.002)
    assert 4 <= len(drawn) <= 10, "two seconds, four times a second"
