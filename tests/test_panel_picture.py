from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from artem_vr import panel_picture
from artem_vr.panel_picture import PanelState, draw_panel

HINTS = ("A, B\tnext, previous painter", "grip\tthe plain world", "menu\tthis panel; held: quit")
RED = np.full((128, 128, 3), (250, 20, 20), np.uint8)
STATE = PanelState(
    title="The Starry Night",
    artist="Vincent van Gogh",
    strength=0.8,
    shown_fps=72.1,
    painted_fps=30.2,
    age_ms=40.4,
    thumbnail=RED,
    hint_lines=HINTS,
)
LONG = "The most excellent and lamentable tragedy of a title that is longer than any panel could ever be, twice over"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every line of text that is drawn, with the height of its letters, as it is drawn."""
    drawn: list[tuple[str, int]] = []
    text = ImageDraw.ImageDraw.text

    def remembered(self, at, shown, **options):  # type: ignore[no-untyped-def]
        drawn.append((shown, options["font"].size))
        box = self.textbbox(at, shown, font=options["font"], anchor=options["anchor"])
        assert not shown or box[2] <= self.im.size[0] - 16, f"{shown!r} leaves the panel"
        text(self, at, shown, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", remembered)
    return drawn


def bar(panel: NDArray[np.uint8]) -> tuple[int, int]:
    """How many pixels of the strength bar are filled, and how long it is."""
    row = panel[124, 190:].astype(int)
    filled = np.count_nonzero((row[:, 0] > 240) & (row[:, 2] < 120))
    empty = np.count_nonzero(np.abs(row[:, :3] - (72, 76, 84)).max(axis=1) <= 2)
    return filled, filled + empty


def test_it_is_a_dark_translucent_rounded_panel_with_light_letters() -> None:
    panel = draw_panel(STATE)
    assert panel.shape == (432, 768, 4)
    assert panel.dtype == np.uint8
    assert panel[0, 0, 3] == panel[-1, -1, 3] == 0
    assert 200 < panel[216, 5, 3] < 250
    assert panel[216, 5, :3].max() < 30
    assert 0.01 < np.mean(panel[..., :3].min(axis=2) > 190) < 0.2
    assert np.ptp(panel[:12, :12, :3].reshape(-1, 3), axis=0).max() <= 1  # nothing bleeds in at the round corners


def test_everything_is_told(lines: list[tuple[str, int]]) -> None:
    draw_panel(STATE)
    texts = [text for text, _ in lines]
    assert "The Starry Night" in texts
    assert "Vincent van Gogh" in texts
    assert "80 %" in texts
    assert "72 shown / 30 painted a second, paint 40 ms old" in texts
    assert [text for hint in HINTS for text in hint.split("\t")] == texts[-6:]


@pytest.mark.parametrize("thumbnail", [RED, None])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": LONG, "artist": LONG, "blend": -0.5, "blend_title": LONG, "notice": LONG},
        {"hint_lines": (f"{LONG}\t{LONG}", LONG, f"key\t{LONG}") * 3},
        {"shown_fps": 144.0, "painted_fps": 144.0, "age_ms": 12345.0},
    ],
)
def test_letters_are_never_small_and_never_leave_the_panel(
    lines: list[tuple[str, int]], thumbnail: NDArray[np.uint8] | None, changes: dict[str, object]
) -> None:
    draw_panel(replace(STATE, thumbnail=thumbnail, **changes))  # type: ignore[arg-type]
    assert min(size for _, size in lines) >= 26


def test_a_long_title_is_set_smaller_before_it_is_shortened(lines: list[tuple[str, int]]) -> None:
    for title in ("The Starry Night", "The Great Wave off Kanagawa", LONG):
        draw_panel(replace(STATE, title=title))
    titles = [line for line in lines if line[0].startswith("The ")]
    sizes = [size for _, size in titles]
    assert sizes[0] > sizes[1] >= sizes[2]
    assert titles[1][0] == "The Great Wave off Kanagawa"
    assert titles[2][0].endswith("…")
    assert LONG.startswith(titles[2][0][:-1])
    assert len(titles[2][0]) > 20


def test_the_figures_have_room(lines: list[tuple[str, int]]) -> None:
    draw_panel(replace(STATE, shown_fps=120, painted_fps=120, age_ms=1240))
    assert "120 shown / 120 painted a second, paint 1240 ms old" in [text for text, _ in lines]


def test_how_pictures_are_painted_is_told_where_no_mix_is(lines: list[tuple[str, int]]) -> None:
    budget = "painting 2064x2208 at every 2nd frame"
    draw_panel(replace(STATE, blend=0.0, budget=budget))
    assert budget in [text for text, _ in lines]
    lines.clear()
    draw_panel(replace(STATE, blend=0.4, blend_title="The Scream", budget=budget))
    assert budget not in [text for text, _ in lines]


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.8, 1.0, 1.7, -0.3])
def test_the_bar_is_as_long_as_the_strength(strength: float, lines: list[tuple[str, int]]) -> None:
    filled, whole = bar(draw_panel(replace(STATE, strength=strength)))
    assert f"{round(100 * min(1, max(0, strength)))} %" in [text for text, _ in lines]
    assert whole > 400
    assert filled / whole == pytest.approx(min(1, max(0, strength)), abs=0.02)


def test_the_thumbnail_is_on_the_left_and_makes_room_for_letters_when_there_is_none() -> None:
    with_one, without = draw_panel(STATE), draw_panel(replace(STATE, thumbnail=None))
    assert np.abs(with_one[100, 100, :3].astype(int) - RED[0, 0]).max() <= 2
    assert with_one[100, 100, 3] == 255
    assert not np.any((without[..., 0] > 200) & (without[..., 1] < 60))
    assert np.abs(without[124, 100, :3].astype(int) - (255, 186, 84)).max() <= 2  # the bar begins further left


def test_a_mix_is_told_when_there_is_one(lines: list[tuple[str, int]]) -> None:
    for blend in (0.4, -0.4, 0.001, 0.0):
        draw_panel(replace(STATE, blend=blend, blend_title="The Scream"))
    assert [text for text, _ in lines if "Scream" in text] == ["+ The Scream 40 %"] * 2
    lines.clear()
    draw_panel(replace(STATE, blend=1.0, blend_title=LONG))
    (mixed,) = [text for text, _ in lines if text.startswith("+")]
    assert mixed.endswith("… 100 %")


def test_the_plain_world_has_no_paint_to_tell_of(lines: list[tuple[str, int]]) -> None:
    panel = draw_panel(replace(STATE, plain=True, blend=0.5, blend_title="The Scream"))
    texts = [text for text, _ in lines]
    assert "the plain world is shown" in texts
    assert "72 shown a second" in texts
    assert not any("Scream" in text or "old" in text for text in texts)
    assert bar(panel)[0] == 0


def test_before_the_first_paint_only_what_is_shown_is_told(lines: list[tuple[str, int]]) -> None:
    draw_panel(PanelState("Udnie"))
    assert "0 shown a second" in [text for text, _ in lines]


def test_a_notice_is_seen_and_takes_the_place_of_the_figures(lines: list[tuple[str, int]]) -> None:
    panel = draw_panel(replace(STATE, notice="keep holding to quit"))
    texts = [text for text, _ in lines]
    assert "keep holding to quit" in texts
    assert not any("painted" in text for text in texts)
    row = panel[206, 500:700].astype(int)
    assert np.all((row[:, 0] > 240) & (row[:, 2] < 120))


def test_many_hints_go_into_two_columns(lines: list[tuple[str, int]]) -> None:
    many = tuple(f"key {number}\tdoes {number}" for number in range(9))
    draw_panel(replace(STATE, hint_lines=many))
    texts = [text for text, _ in lines]
    assert all(f"key {number}" in texts and f"does {number}" in texts for number in range(9))


def test_letters_with_accents_are_letters_and_no_boxes() -> None:
    def title(text: str) -> NDArray[np.uint8]:
        return draw_panel(PanelState(text))[20:70]

    missing = title("\uffff" * 4)
    for text in ("éééé", "öööö", "łłłł", "şşşş"):
        assert not np.array_equal(title(text), missing)
    assert not np.array_equal(title("éééé"), title("öööö"))
    assert title("éééé")[:20, :, :3].max() > 200  # the accent stands above


def test_without_a_font_for_them_accents_are_left_out(
    monkeypatch: pytest.MonkeyPatch, lines: list[tuple[str, int]]
) -> None:
    monkeypatch.setattr(panel_picture, "_font_file", lambda: None)
    panel_picture._font.cache_clear()
    draw_panel(PanelState("Café Köln"))
    panel_picture._font.cache_clear()
    assert lines[0][0] == "Cafe Koln"


def test_other_sizes_are_the_same_picture_scaled() -> None:
    large = draw_panel(STATE, (1152, 648))
    assert large.shape == (648, 1152, 4)
    shrunk = np.asarray(Image.fromarray(large).resize((768, 432), Image.Resampling.BOX)).astype(int)
    assert np.mean(np.abs(shrunk - draw_panel(STATE))) < 4
    assert draw_panel(STATE, (400, 432)).shape == (432, 400, 4)


def test_states_are_compared_by_what_they_tell() -> None:
    again = replace(STATE, thumbnail=RED.copy())
    assert again == STATE
    assert hash(again) == hash(STATE)
    assert replace(STATE, strength=0.7) != STATE
