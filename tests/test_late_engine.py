"""An engine that opens while other things do."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from artem_vr.camera import Pose, stereo_views
from artem_vr.errors import EngineError
from artem_vr.frame import TensorFrame
from artem_vr.late_engine import NOT_OPEN, LateEngine
from artem_vr.steadiness import Steadiness
from artem_vr.stylizer import Stylizer
from artem_vr.thread_priority import NICENESS

STYLES = np.zeros((2, 3), np.float32)


class Inverter:
    name, device, precision = "inverter", "cpu", "u8"

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []
        self.closed = 0

    def paint(self, pixels_EHWC, styles_ED):
        self.sizes.append(pixels_EHWC.shape)
        return 255 - pixels_EHWC

    def close(self) -> None:
        self.closed += 1


def warm_up(engine) -> None:
    engine.paint(np.zeros((2, 4, 8, 3), np.uint8), STYLES)


def in_a_thread(work):
    """As the stylizer does: painting lowers the priority of the thread it is asked from."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_it_does_not_wait_until_it_is_asked() -> None:
    gate, inner = threading.Event(), Inverter()

    def opening() -> Inverter:
        assert gate.wait(10)
        return inner

    engine = LateEngine(opening, warm_up)
    assert not inner.sizes
    assert (engine.name, engine.opened, engine.last_gpu_ms) == (NOT_OPEN, None, None)
    gate.set()
    in_a_thread(lambda: engine.paint(np.zeros((2, 4, 8, 3), np.uint8), STYLES))
    assert (engine.name, engine.device, engine.precision) == ("inverter", "cpu", "u8")
    assert engine.opened is inner
    assert engine.last_gpu_ms is None, "it does not tell"
    inner.last_gpu_ms = 2.5
    assert engine.last_gpu_ms == 2.5
    assert inner.sizes == [(2, 4, 8, 3)] * 2, "it was compiled for its size before"
    painted = in_a_thread(lambda: engine.paint(np.zeros((2, 4, 8, 3), np.uint8), STYLES))
    assert painted.min() == 255
    engine.close()
    engine.close()
    assert inner.closed == 2


def test_what_opening_raises_comes_when_it_is_asked_and_ends_a_stylizer() -> None:
    def opening() -> Inverter:
        raise EngineError("there is none")

    engine = LateEngine(opening, warm_up)
    with pytest.raises(EngineError, match="there is none"):
        in_a_thread(lambda: engine.paint(np.zeros((2, 4, 8, 3), np.uint8), STYLES))
    stylizer = Stylizer(engine, STYLES)
    stylizer.submit(TensorFrame(0, 0.0, np.zeros((2, 4, 8, 3), np.uint8), stereo_views(Pose((0, 0, 0)), (8, 4))))
    with pytest.raises(EngineError, match="there is none"):
        for _ in range(1000):
            stylizer.latest()
            threading.Event().wait(0.01)
    stylizer.close()


def test_an_engine_that_cannot_compile_is_closed() -> None:
    class Broken(Inverter):
        def paint(self, pixels_EHWC, styles_ED):
            raise EngineError("too large")

    inner = Broken()
    engine = LateEngine(lambda: inner, warm_up)
    with pytest.raises(EngineError, match="too large"):
        in_a_thread(lambda: engine.paint(np.zeros((2, 4, 8, 3), np.uint8), STYLES))
    assert (engine.device, engine.opened) == (NOT_OPEN, None)
    assert inner.closed == 1
    engine.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have no priority of their own elsewhere")
def test_its_threads_let_the_frame_loop_first() -> None:
    seen: list[int] = []

    class Noting(Inverter):
        def paint(self, pixels_EHWC, styles_ED):
            seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return pixels_EHWC

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    engine = LateEngine(Noting, warm_up)
    thread = threading.Thread(target=lambda: engine.paint(np.zeros((2, 4, 8, 3), np.uint8), STYLES))
    thread.start()
    thread.join()
    engine.close()
    assert seen == [NICENESS, NICENESS]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_stylizer_is_closed_although_the_engine_is_still_opening() -> None:
    gate, inner = threading.Event(), Inverter()

    def opening() -> Inverter:
        assert gate.wait(10)
        return inner

    engine = LateEngine(opening, warm_up)
    stylizer = Stylizer(engine, STYLES)
    stylizer.submit(TensorFrame(0, 0.0, np.zeros((2, 4, 8, 3), np.uint8), eyes=()))  # type: ignore[arg-type]
    engine.abandon()
    threading.Timer(0.5, gate.set).start()
    stylizer.close()
    assert not stylizer._thread.is_alive()
    assert inner.closed == 1
    assert inner.sizes == [(2, 4, 8, 3)], "compiled, as nothing can stop it, but not asked to paint"


def test_an_abandoned_engine_that_is_open_still_paints() -> None:
    engine = LateEngine(Inverter, warm_up)
    pixels = np.zeros((2, 4, 8, 3), np.uint8)
    in_a_thread(lambda: engine.paint(pixels, STYLES))
    engine.abandon()
    assert in_a_thread(lambda: engine.paint(pixels, STYLES)).min() == 255
    engine.close()


class SteadyInverter(Inverter):
    can_be_steady = True

    def __init__(self) -> None:
        super().__init__()
        self.steady: list[float] = []

    def paint_steady(self, pixels_EHWC, styles_ED, previous_ES, share):
        self.steady.append(share)
        return 255 - pixels_EHWC, np.ones((len(pixels_EHWC), 4), np.float32)

    def on_host(self, pixels_EHWC):
        return pixels_EHWC


def test_the_first_painting_is_steady_already_although_the_engine_is_still_opening() -> None:
    """Else it would compile once more, for a way that nobody goes."""
    gate, inner = threading.Event(), SteadyInverter()

    def opening() -> SteadyInverter:
        assert gate.wait(10)
        return inner

    engine = LateEngine(opening, lambda opened: None)
    stylizer = Stylizer(engine, STYLES, Steadiness(1.0))
    frame = TensorFrame(0, 0.0, np.zeros((2, 4, 8, 3), np.uint8), stereo_views(Pose((0, 0, 0)), (8, 4)))
    stylizer.submit(frame)
    gate.set()
    assert stylizer.wait_for(frame, 0).painted_EHWC.min() == 255
    stylizer.close()
    assert inner.steady == [1.0]
    assert not inner.sizes
