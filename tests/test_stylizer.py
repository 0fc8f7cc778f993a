"""The stylizer against engines that stop where the test says: order is forced by events, never by time."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from artem_vr.camera import Pose, stereo_views
from artem_vr.errors import EngineError
from artem_vr.frame import TensorFrame
from artem_vr.stylizer import Painting, Stylizer

PATIENCE = 20.0
"""Seconds after which a test gives up on an event that should have come."""

EYES = stereo_views(Pose((0, 0, 0)), (4, 4))


def styles(value: float) -> np.ndarray:
    return np.full((2, 3), value, np.float32)


def frame(sequence: int) -> TensorFrame:
    return TensorFrame(sequence, float(sequence), np.full((2, 4, 4, 3), sequence, np.uint8), EYES)


class FakeEngine:
    """Gives the pixels plus ten times the style. With `stepwise`, each painting waits for `step`."""

    name, device, precision = "fake", "cpu", "f32"

    def __init__(self, stepwise: bool = False) -> None:
        self.stepwise = stepwise
        self.started, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self.calls: list[tuple[int, float]] = []
        self.error: Exception | None = None
        self.thread: int | None = None
        self.closed = 0
        self.painting = False
        self.closed_while_painting = False

    def paint(self, pixels_EHWC: Any, styles_ED: np.ndarray) -> Any:
        self.painting, self.thread = True, threading.get_ident()
        self.calls.append((int(pixels_EHWC[0, 0, 0, 0]), float(styles_ED[0, 0])))
        self.started.release()
        if self.stepwise:
            assert self._go.acquire(timeout=PATIENCE)
        self.painting = False
        if self.error is not None:
            raise self.error
        return pixels_EHWC + np.uint8(10 * styles_ED[0, 0])

    def close(self) -> None:
        self.closed += 1
        self.closed_while_painting |= self.painting

    def wait_until_started(self) -> None:
        assert self.started.acquire(timeout=PATIENCE)

    def step(self) -> None:
        self._go.release()


Start = Callable[..., tuple[FakeEngine, Stylizer]]


@pytest.fixture
def start() -> Iterator[Start]:
    running = []

    def open_one(stepwise: bool = False) -> tuple[FakeEngine, Stylizer]:
        engine = FakeEngine(stepwise)
        running.append((engine, Stylizer(engine, styles(0))))
        return running[-1]

    yield open_one
    for engine, stylizer in running:
        engine.stepwise = False
        engine.step()
        stylizer.close()


def stylizer_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "stylizer"]


def test_nothing_is_painted_before_the_first_frame(start: Start) -> None:
    engine, stylizer = start()
    stylizer.set_styles(styles(2))
    assert stylizer.latest() is None
    assert engine.calls == []


def test_a_frame_is_painted_and_keeps_its_source(start: Start) -> None:
    _, stylizer = start()
    source = frame(3)
    stylizer.submit(source)
    painted = stylizer.wait_for(source, 0, PATIENCE)
    assert painted.source is source
    assert painted.revision == 0
    assert painted.milliseconds > 0
    assert (painted.painted_EHWC == 3).all()
    assert stylizer.latest() is painted


def test_the_newest_frame_wins(start: Start) -> None:
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    for sequence in range(2, 7):
        stylizer.submit(frame(sequence))
    engine.step()
    engine.wait_until_started()
    engine.step()
    assert stylizer.wait_for(frame(6), 0, PATIENCE).source.sequence == 6
    assert [sequence for sequence, _ in engine.calls] == [1, 6]
    assert stylizer.painted_frames == 2
    assert stylizer.skipped_frames == 4


def test_nobody_waits_while_the_engine_is_busy(start: Start) -> None:
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    # The engine stands still until this thread lets it go on: a call that waited for it would never return.
    for sequence in range(2, 50):
        stylizer.submit(frame(sequence))
        stylizer.set_styles(styles(sequence))
        assert stylizer.latest() is None
    assert engine.painting


def test_a_style_change_shows_in_the_very_next_painting(start: Start) -> None:
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    stylizer.submit(frame(2))
    revision = stylizer.set_styles(styles(5))
    engine.step()
    engine.wait_until_started()
    engine.step()
    painted = stylizer.wait_for(frame(2), revision, PATIENCE)
    assert engine.calls == [(1, 0.0), (2, 5.0)]
    assert painted.revision == revision == 1
    assert (painted.painted_EHWC == 52).all()


def test_a_style_change_repaints_a_still_picture(start: Start) -> None:
    engine, stylizer = start()
    still = frame(1)
    stylizer.submit(still)
    stylizer.wait_for(still, 0, PATIENCE)
    revision = stylizer.set_styles(styles(4))
    painted = stylizer.wait_for(still, revision, PATIENCE)
    assert (painted.painted_EHWC == 41).all()
    assert engine.calls == [(1, 0.0), (1, 4.0)]


def test_a_style_change_during_a_painting_is_painted_after_it(start: Start) -> None:
    engine, stylizer = start(stepwise=True)
    still = frame(1)
    stylizer.submit(still)
    engine.wait_until_started()
    for value in (1, 2, 3):
        revision = stylizer.set_styles(styles(value))
    engine.step()
    engine.wait_until_started()
    engine.step()
    assert stylizer.wait_for(still, revision, PATIENCE).revision == 3
    assert engine.calls == [(1, 0.0), (1, 3.0)]


def test_the_same_style_again_is_no_change(start: Start) -> None:
    engine, stylizer = start()
    stylizer.submit(frame(1))
    stylizer.wait_for(frame(1), 0, PATIENCE)
    assert stylizer.set_styles(styles(0)) == 0
    third = styles(1).astype(np.float64) / 3
    assert stylizer.set_styles(third) == 1
    assert stylizer.set_styles(third) == 1  # also in another precision
    stylizer.submit(frame(2))
    stylizer.wait_for(frame(2), 1, PATIENCE)
    assert len(engine.calls) <= 3


def test_the_callers_array_may_change_afterwards(start: Start) -> None:
    _, stylizer = start()
    mine = styles(1)
    first = stylizer.set_styles(mine)
    mine[:] = 2
    assert stylizer.set_styles(mine) == first + 1
    mine[:] = 9
    stylizer.submit(frame(1))
    assert (stylizer.wait_for(frame(1), first + 1, PATIENCE).painted_EHWC == 21).all()


def test_waiting_takes_a_later_frame_but_no_earlier_one(start: Start) -> None:
    engine, stylizer = start()
    stylizer.submit(frame(5))
    assert stylizer.wait_for(frame(3), 0, PATIENCE).source.sequence == 5
    with pytest.raises(EngineError, match=r"painted nothing.*--net-size"):
        stylizer.wait_for(frame(6), 0, 0.05)
    with pytest.raises(EngineError, match="painted nothing"):
        stylizer.wait_for(frame(5), 1, 0.05)
    assert len(engine.calls) == 1


def test_every_frame_can_be_painted_in_turn(start: Start) -> None:
    engine, stylizer = start()
    for sequence in range(30):
        stylizer.submit(frame(sequence))
        assert stylizer.wait_for(frame(sequence), 0, PATIENCE).source.sequence == sequence
    assert stylizer.painted_frames == 30
    assert stylizer.skipped_frames == 0
    assert engine.thread != threading.get_ident()


@pytest.mark.parametrize("error", [EngineError("the device is gone"), ValueError("one\ntwo"), MemoryError()])
def test_an_error_reaches_whoever_asks(start: Start, error: Exception) -> None:
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    engine.error = error
    waiting: list[BaseException] = []

    def wait() -> None:
        try:
            stylizer.wait_for(frame(1), 0, PATIENCE)
        except EngineError as raised:
            waiting.append(raised)

    waiter = threading.Thread(target=wait)
    waiter.start()
    engine.step()
    waiter.join(PATIENCE)
    for ask in (stylizer.latest, lambda: stylizer.wait_for(frame(9), 3, PATIENCE), stylizer.latest):
        with pytest.raises(EngineError) as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert caught.value is waiting[0]
        assert caught.value is error or caught.value.__cause__ is error
    stylizer.submit(frame(2))  # the display may be in the middle of a frame: no second error, no hang
    stylizer.set_styles(styles(1))
    stylizer.close()
    assert len(engine.calls) == 1


def test_close_ends_the_thread_and_closes_the_engine_once(start: Start) -> None:
    engine, stylizer = start()
    before = stylizer_threads()
    stylizer.submit(frame(1))
    stylizer.wait_for(frame(1), 0, PATIENCE)
    stylizer.close()
    stylizer.close()
    assert engine.closed == 1
    assert len(stylizer_threads()) == len(before) - 1
    assert stylizer.latest() is not None


def test_close_waits_for_the_painting_under_way(start: Start) -> None:
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    stylizer.submit(frame(2))
    closer = threading.Thread(target=stylizer.close)
    closer.start()
    engine.step()
    closer.join(PATIENCE)
    assert not closer.is_alive()
    assert engine.calls == [(1, 0.0)]
    assert (engine.closed, engine.closed_while_painting) == (1, False)


def test_an_engine_that_hangs_is_not_closed_under_its_painting(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artem_vr.stylizer._JOIN_SECONDS", 0.01)
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    stylizer.close()
    assert engine.closed == 0
    engine.step()


def test_closing_wakes_a_waiter(start: Start) -> None:
    engine, stylizer = start(stepwise=True)
    stylizer.submit(frame(1))
    engine.wait_until_started()
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            stylizer.wait_for(frame(9), 0, 10 * PATIENCE)
        except EngineError as error:
            raised.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    engine.step()
    stylizer.close()
    waiter.join(PATIENCE)
    assert "closed" in str(raised[0])


class TimedEngine(FakeEngine):
    """Has a device that says how long it worked."""

    last_gpu_ms = None

    def paint(self, pixels_EHWC: Any, styles_ED: np.ndarray) -> Any:
        self.last_gpu_ms = 2.5
        return super().paint(pixels_EHWC, styles_ED)


@pytest.mark.parametrize(("engine", "gpu_ms"), [(FakeEngine(), None), (TimedEngine(), 2.5)])
def test_each_painting_is_told_before_anybody_gets_it(engine: FakeEngine, gpu_ms: float | None) -> None:
    stylizer = Stylizer(engine, styles(0))
    told: list[tuple[Painting, bool, int]] = []

    def note(painting: Painting) -> None:
        told.append((painting, stylizer.latest() is painting.frame, threading.get_ident()))

    stylizer.on_painted = note
    try:
        shown = stylizer.wait_for(frame(3), stylizer.submit(frame(3)), PATIENCE)
    finally:
        stylizer.close()
    ((painting, was_public, thread),) = told
    assert painting.frame is shown and not was_public and thread == engine.thread
    assert painting.gpu_ms == gpu_ms
    assert painting.end - painting.begin == pytest.approx(shown.milliseconds / 1e3) and painting.end >= painting.begin
