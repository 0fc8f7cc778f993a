"""Steadiness over time, with the reference engine on a tiny network and with an engine that only notes what it gets."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from banks import picture, random_bank

from artem_vr.camera import Pose, stereo_views
from artem_vr.engines.torch import TorchEngine
from artem_vr.foveation import pictures
from artem_vr.frame import TensorFrame
from artem_vr.steadiness import LONGEST_GAP, Steadiness, moved, pooled
from artem_vr.styles import StyleBank
from artem_vr.stylizer import Stylizer

EYES = stereo_views(Pose((0, 0, 0)), (4, 4))
HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def engine(bank: StyleBank) -> TorchEngine:
    return TorchEngine(bank)


def frame(pixels_EHWC: np.ndarray, seconds: float) -> TensorFrame:
    return TensorFrame(0, 100.0 + seconds, pixels_EHWC, EYES)


def room(bright: int = 0) -> np.ndarray:
    """Two eyes' view of a room, with so many columns of a bright window at its right."""
    seen = np.stack([picture(HEIGHT, WIDTH, 4)] * 2) // 2
    if bright:
        seen[:, 8:40, WIDTH - bright :] = 250
    return seen


class NotingEngine:
    """Gives the pixels back, and as statistics the brightness of each eye. Notes what it went on from."""

    name, device, precision = "noting", "cpu", "f32"
    can_be_steady = True

    def __init__(self) -> None:
        self.notes: list[tuple[Any, float]] = []
        self.plain = 0

    def paint(self, pixels_EHWC: Any, styles_ED: np.ndarray) -> Any:
        self.plain += 1
        return pixels_EHWC

    def paint_steady(self, pixels_EHWC: Any, styles_ED: Any, previous_ES: Any, share: float) -> Any:
        self.notes.append((previous_ES, share))
        own = np.stack([pixels_EHWC.mean((1, 2, 3)), pixels_EHWC.var((1, 2, 3))], axis=1).astype(np.float32)
        return pixels_EHWC, own if previous_ES is None else previous_ES + np.reshape(share, (-1, 1)) * (
            own - previous_ES
        )

    def on_host(self, pixels_EHWC: np.ndarray) -> np.ndarray:
        return pixels_EHWC

    def close(self) -> None:
        pass


STYLES = np.ones((2, 5), np.float32)


def shares(*frames: TensorFrame, seconds: float = 1.0) -> list[float | None]:
    """The share of each frame after the first; None where it had nothing to go on from."""
    engine, steadiness = NotingEngine(), Steadiness(seconds)
    for each in frames:
        steadiness.paint(engine, each, STYLES)
    assert engine.notes[0][0] is None
    return [None if previous is None else share for previous, share in engine.notes[1:]]


def foveated(pixels_EHWC: np.ndarray, seconds: float) -> TensorFrame:
    """Both eyes, and of each a finer picture of its middle, which is far brighter."""
    views, windows = pictures((0, 1), ((0.5, 0.5), (0.5, 0.5)), 2)
    middle = np.minimum(pixels_EHWC.astype(int) + 120, 255).astype(np.uint8)
    return TensorFrame(0, 100.0 + seconds, np.concatenate([pixels_EHWC, middle]), EYES, views, False, windows)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_finer_pictures_are_painted_as_parts_of_the_whole(shared: bool, seconds: float) -> None:
    engine, steadiness = NotingEngine(), Steadiness(seconds, shared)
    styles = np.ones((4, 5), np.float32)
    seen = room()
    seen[1] = seen[1] // 2 + 60
    steadiness.paint(engine, foveated(seen, 0.0), styles)
    steadiness.paint(engine, foveated(seen, 0.05), styles)
    own = np.stack([seen.mean((1, 2, 3)), seen.var((1, 2, 3))], axis=1).astype(np.float32)
    whole = pooled(own) if shared else own
    (first, share), (begun, begun_share), (after, after_share) = engine.notes
    assert first is None and share == 1.0, "once to know what the whole eyes have"
    for previous in (begun, after):
        np.testing.assert_allclose(previous, np.concatenate([whole, whole]), rtol=1e-4)
    np.testing.assert_array_equal(begun_share, [0, 0, 0, 0], "of these statistics alone")
    later = 1.0 if seconds == 0 else 1 - np.exp(-0.1)
    np.testing.assert_allclose(after_share, [later, later, 0, 0], rtol=1e-6)


def test_a_new_style_takes_hold_in_the_finer_pictures_at_once() -> None:
    shipped = StyleBank.load()
    engine, seen = TorchEngine(shipped), np.stack([picture(48, 64, 4)] * 2)
    udnie, wave = (np.repeat(shipped.vector(name)[None], 4, axis=0) for name in ("udnie", "great-wave"))
    fresh = Steadiness(0.5).paint(engine, foveated(seen, 0.0), wave).astype(int)
    for later in (0.0, 0.05):  # a still picture, and the next one of a world that moves
        steadiness = Steadiness(0.5)
        steadiness.paint(engine, foveated(seen, 0.0), udnie)
        swapped = steadiness.paint(engine, foveated(seen, later), wave).astype(int)
        assert np.abs(swapped - fresh).mean((1, 2, 3)).max() < 1


def test_a_still_picture_is_right_in_the_style_in_which_a_fade_ends() -> None:
    shipped = StyleBank.load()
    engine, seen = TorchEngine(shipped), np.stack([picture(48, 64, 4)] * 2)
    udnie, wave = (np.repeat(shipped.vector(name)[None], 4, axis=0) for name in ("udnie", "great-wave"))
    fresh, steadiness = Steadiness(0.5).paint(engine, foveated(seen, 0.0), wave).astype(int), Steadiness(0.5)
    for done in (0.0, 0.3, 0.6, 0.9, 0.99, 1.0):
        faded = steadiness.paint(engine, foveated(seen, 0.0), (1 - done) * udnie + done * wave)
    apart = np.abs(faded.astype(int) - fresh).mean((1, 2, 3))
    assert apart.max() < 8, "as far behind as evenly painted pictures are, and no further"
    assert apart[2:].max() < 2 * apart[:2].max() + 1


def test_a_slow_engine_is_not_started_anew_with_every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, steadiness, clock = NotingEngine(), Steadiness(1.0), [0.0]
    monkeypatch.setattr("artem_vr.steadiness.time.perf_counter", lambda: clock[0])
    paint = engine.paint_steady

    def slowly(*arguments: Any) -> Any:
        clock[0] += 0.8
        return paint(*arguments)

    monkeypatch.setattr(engine, "paint_steady", slowly)
    counts = []
    for _ in range(4):
        before = len(engine.notes)
        steadiness.paint(engine, foveated(room(), clock[0]), np.ones((4, 5), np.float32))
        counts.append(len(engine.notes) - before)
    assert counts == [2, 1, 1, 1]


def test_a_real_network_paints_the_middle_in_the_colours_of_what_is_around_it() -> None:
    """A dark half of a bright picture: by its own statistics it would be painted as light as the whole."""
    shipped = StyleBank.load()
    engine, styles = TorchEngine(shipped), np.repeat(shipped.vector("great-wave")[None], 2, axis=0)
    seen = picture(96, 128, 4) // 3
    seen[:, 64:] = 255 - seen[:, 64:]
    views, windows = pictures((0,), ((0.25, 0.5), (0.25, 0.5)), 2)
    pixels = np.stack([seen, seen[24:72, :64].repeat(2, 0).repeat(2, 1)])
    frame = TensorFrame(0, 100.0, pixels, EYES, views, False, windows)
    apart = []
    for painted in (Steadiness(0.0).paint(engine, frame, styles), engine.paint(pixels, styles)):
        around, middle = painted[0, 24:72, :64].mean((0, 1)), painted[1].mean((0, 1))
        apart.append(np.abs(around - middle).max())
    assert apart[0] < 0.2 * apart[1]


def test_the_share_follows_from_the_time_between_frames() -> None:
    seen = [frame(room(), seconds) for seconds in (0.0, 0.05, 0.25, 0.25)]
    assert shares(*seen, seconds=0.5) == pytest.approx([1 - np.exp(-0.1), 1 - np.exp(-0.4), 0.0])


@pytest.mark.parametrize(
    "second",
    [
        frame(np.stack([picture(HEIGHT, WIDTH, 7)[::-1]] * 2), 0.05),  # a cut
        frame(room()[:, :40], 0.05),
        frame(room()[:1], 0.05),
        frame(room(), LONGEST_GAP + 0.1),
        frame(room(), -0.1),
    ],
    ids=["a cut", "another size", "one eye", "a gap", "back in time"],
)
def test_a_new_start(second: TensorFrame) -> None:
    after = replace(second, captured_at=second.captured_at + 0.05)
    first, then = shares(frame(room(), 0.0), second, after)
    assert first is None
    assert then is not None and then < 0.1


def test_what_is_seen_of_the_room_is_none() -> None:
    assert None not in shares(*(frame(room(bright), 0.05 * index) for index, bright in enumerate((0, 2, 3, 8, 12, 3))))


def test_both_eyes_go_on_from_the_pixels_of_both() -> None:
    seen = room()
    seen[1] = seen[1] // 2 + 90
    for shared in (True, False):
        engine, steadiness = NotingEngine(), Steadiness(shared=shared)
        for seconds in (0.0, 0.05):
            steadiness.paint(engine, frame(seen, seconds), STYLES)
        left, right = engine.notes[1][0]
        if shared:
            np.testing.assert_allclose(left, right)
            np.testing.assert_allclose(left, [seen.mean(), seen.var()], rtol=1e-4)
        else:
            assert abs(left[0] - right[0]) > 10


def test_without_time_it_is_plain_and_can_change_at_any_frame() -> None:
    engine, steadiness = NotingEngine(), Steadiness(0.0)
    for index, seconds in enumerate((0.0, 2.0, 2.0, 0.0, 2.0)):
        steadiness.seconds = seconds
        steadiness.paint(engine, frame(room(), 0.05 * index), STYLES)
    assert engine.plain == 2
    assert [previous is None for previous, _ in engine.notes] == [True, False, True]


def test_a_stylizer_paints_with_it_and_it_can_change_meanwhile() -> None:
    engine, steadiness = NotingEngine(), Steadiness(0.0)
    stylizer = Stylizer(engine, STYLES, steadiness)
    try:
        for sequence, seconds in enumerate((0.0, 2.0, 1.0, 0.0)):
            steadiness.seconds = seconds
            seen = replace(frame(room(), 0.5 * sequence), sequence=sequence)
            stylizer.submit(seen)
            assert stylizer.wait_for(seen, 0, 20.0).painted_EHWC is seen.pixels_EHWC
    finally:
        stylizer.close()
    assert engine.plain == 2
    assert [share for _, share in engine.notes] == pytest.approx([1.0, 1 - np.exp(-0.5)])


def test_an_engine_without_statistics_paints_plainly() -> None:
    class Plain(NotingEngine):
        can_be_steady = False

    class Bare:
        paint = NotingEngine.paint
        plain = 0

    for engine in (Plain(), Bare()):
        assert Steadiness().paint(engine, frame(room(), 0.0), STYLES) is not None
        assert engine.plain == 1


def test_a_failed_painting_leaves_nothing_behind() -> None:
    engine, steadiness = NotingEngine(), Steadiness()
    steadiness.paint(engine, frame(room(), 0.0), STYLES)
    paint, engine.paint_steady = engine.paint_steady, lambda *arguments: 1 / 0
    with pytest.raises(ZeroDivisionError):
        steadiness.paint(engine, frame(room(), 0.05), STYLES)
    engine.paint_steady = paint
    steadiness.paint(engine, frame(room(), 0.1), STYLES)
    assert engine.notes[-1][0] is None


def test_a_style_that_moves_is_followed() -> None:
    engine, steadiness = NotingEngine(), Steadiness(10.0)
    for index, style in enumerate((STYLES, STYLES, 1.01 * STYLES, -STYLES)):
        steadiness.paint(engine, frame(room(), 0.01 * index), style)
    still, fade, swap = (share for _, share in engine.notes[1:])
    assert still == pytest.approx(0.001, rel=0.01)
    assert 0.3 < fade < 0.6
    assert swap > 0.999
    assert moved(STYLES, STYLES.copy()) == moved(0 * STYLES, 0 * STYLES) == 0


def test_pooled_statistics_are_those_of_all_pixels() -> None:
    random = np.random.default_rng(0)
    pixels = random.normal([[[1.0, -3.0]], [[4.0, 2.0]]], [[[2.0, 0.5]], [[1.0, 3.0]]], (2, 1000, 2))
    statistics = np.concatenate([pixels.mean(1), pixels.var(1)], axis=1)
    together = np.concatenate([pixels.mean((0, 1)), pixels.var((0, 1))])
    np.testing.assert_allclose(pooled(statistics), [together] * 2, rtol=1e-5)


def steps_of_the_wall(engine: TorchEngine, bank: StyleBank, seconds: float) -> np.ndarray:
    """By how many levels the painted wall, far from all that moves, changes from frame to frame as a window comes."""
    steadiness, walls = Steadiness(seconds), []
    for index, bright in enumerate([0, 0, 6, 12, 18, 24, 24, 24]):
        painted = steadiness.paint(engine, frame(room(bright), 0.05 * index), bank.styles_SD[[0, 0]])
        walls.append(painted[:, :, :16].astype(float))
    assert steadiness.cuts == 0
    return np.abs(np.diff(walls, axis=0)).mean((1, 2, 3, 4))


def test_paint_does_not_jump_when_something_bright_comes_into_view(engine: TorchEngine, bank: StyleBank) -> None:
    plain, steady = (steps_of_the_wall(engine, bank, seconds) for seconds in (0.0, 1.0))
    assert plain.max() > 1.0  # levels of 255
    assert steady.max() < 0.35 * plain.max()
    assert steady.sum() < 0.5 * plain.sum()


def test_the_time_constant_is_the_same_at_any_rate(engine: TorchEngine, bank: StyleBank) -> None:
    """One second after the change, at 10 and at 30 frames a second."""
    found = []
    for rate in (10, 30):
        steadiness = Steadiness(0.7)
        steadiness.paint(engine, frame(room(), 0.0), bank.styles_SD[[0, 2]])
        for index in range(1, rate + 1):
            painted = steadiness.paint(engine, frame(room(16), index / rate), bank.styles_SD[[0, 2]])
        found.append(painted.astype(float))
    change = np.abs(found[1] - engine.paint(room(), bank.styles_SD[[0, 2]])).mean()
    assert np.abs(found[0] - found[1]).mean() < 0.06 * change


def test_a_fade_is_hardly_behind(engine: TorchEngine, bank: StyleBank) -> None:
    """However long the time constant is: the paint of each moment is nearly that of a plain painting."""
    steadiness, start, end = Steadiness(100.0), bank.styles_SD[[0, 0]], bank.styles_SD[[1, 1]]
    pixels = room(16)
    for index in range(21):
        style = start + np.float32(index / 20) * (end - start)
        painted = steadiness.paint(engine, frame(pixels, 0.05 * index), style)
        assert np.abs(painted.astype(float) - engine.paint(pixels, style)).mean() < 0.5, index
    assert np.abs(painted.astype(float) - engine.paint(pixels, start)).mean() > 5
