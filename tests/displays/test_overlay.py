import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from artem_vr.displays import overlay
from artem_vr.displays.overlay import TextOverlay, render_panel
from artem_vr.displays.side_by_side import SideBySide
from artem_vr.errors import UsageError
from artem_vr.frame import Size


def test_the_panel_is_dark_translucent_and_rounded_with_white_letters() -> None:
    panel = render_panel(["starry-night", "strength\t0.8"], (640, 720))
    height, width = panel.shape[:2]
    assert panel[0, 0, 3] == 0
    ground = panel[height // 2, 3]
    assert 150 < ground[3] < 230
    assert ground[:3].max() < 40
    letters = np.mean(panel[..., :3].min(axis=2) > 200)
    assert 0.01 < letters < 0.5
    assert width < 400


@pytest.mark.parametrize("eye_size", [(640, 720), (160, 90), (64, 400), (20, 16)])
def test_the_panel_never_outgrows_the_eye(eye_size: Size) -> None:
    lines = ["a very long line of words that goes on for ever", *["one\ttwo"] * 8]
    height, width = render_panel(lines, eye_size).shape[:2]
    assert width <= eye_size[0]
    assert height <= eye_size[1]


def test_the_second_column_starts_at_one_place() -> None:
    def first_light_column(lines: list[str]) -> int:
        row_height = 720 // 24
        panel = render_panel(lines, (640, 720))[: int(row_height * 1.8), :, :3].min(axis=2)
        return int(np.flatnonzero((panel > 150).any(axis=0))[0])

    assert first_light_column(["\tl", "wide enough\tl"]) > first_light_column(["\tl", "a\tl"]) > 40


@pytest.fixture
def picture(ctx: moderngl.Context) -> SideBySide:
    return SideBySide(ctx, (320, 180))


def grey(picture: SideBySide) -> NDArray[np.uint8]:
    picture.framebuffer.clear(0.5, 0.5, 0.5, 1.0)
    picture.draw_text()
    return picture.read_pixels()


def test_both_eyes_see_the_text_at_the_same_place_at_the_lower_left(picture: SideBySide) -> None:
    picture.show_text(["great-wave"])
    pixels = grey(picture)
    assert np.array_equal(pixels[:, :160], pixels[:, 160:])
    rows, columns = np.nonzero((pixels[:, :160] != 128).any(axis=2))
    assert rows.min() > 90
    assert columns.max() < 130
    assert pixels[rows.min() : rows.max(), :160].max() > 240


def test_an_empty_list_takes_the_text_away(picture: SideBySide) -> None:
    picture.show_text(["great-wave"])
    assert np.ptp(grey(picture).astype(int)) > 0
    picture.show_text([])
    assert np.ptp(grey(picture).astype(int)) == 0


def test_the_text_is_drawn_anew_only_when_it_changes(ctx: moderngl.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []
    render = render_panel

    def counted(lines: list[str], eye_size: Size) -> NDArray[np.uint8]:
        made.append(list(lines))
        return render(lines, eye_size)

    monkeypatch.setattr(overlay, "render_panel", counted)
    text, framebuffer = TextOverlay(ctx), ctx.simple_framebuffer((200, 100))
    for lines in (["a"], ["a"], ["b"], [], ["b"]):
        text.lines = lines
        text.draw(framebuffer, (0, 0, 100, 100))
        text.draw(framebuffer, (100, 0, 100, 100))
    assert made == [["a"], ["b"]]
    text.draw(framebuffer, (0, 0, 200, 100))
    assert len(made) == 3
    text.close()
    text.close()


def test_resizing_gives_other_viewports(picture: SideBySide) -> None:
    picture.resize((640, 100))
    assert picture.viewport(1) == (320, 0, 320, 100)
    assert picture.read_pixels().shape == (100, 640, 3)


def test_an_odd_width_leaves_both_eyes_the_same_size(ctx: moderngl.Context) -> None:
    odd = SideBySide(ctx, (321, 180))
    assert odd.viewport(0)[2:] == odd.viewport(1)[2:] == (160, 180)
    odd.close()
    odd.close()


def test_a_display_without_room_is_refused(ctx: moderngl.Context) -> None:
    with pytest.raises(UsageError, match="1x180"):
        SideBySide(ctx, (1, 180))
