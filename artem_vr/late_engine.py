"""An engine that opens while other things do."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import EngineError
from artem_vr.ports import Engine, Share, can_paint_steadily, device_milliseconds
from artem_vr.thread_priority import let_others_first

NOT_OPEN = "none"
_PATIENCE_SECONDS = 0.1


class LateEngine:
    """Opens an engine on a thread of its own, and has it get ready there with `warm_up`, a first painting.

    Painting waits until that is done, which is why only the stylizer's thread should ask for it. What opening raised is
    raised then. All threads that work for it let others first (see `artem_vr.thread_priority`).
    """

    def __init__(self, open_engine: Callable[[], Engine], warm_up: Callable[[Engine], None]) -> None:
        def opened() -> Engine:
            let_others_first()  # as will the threads that the engine starts
            engine = open_engine()
            try:
                warm_up(engine)
            except BaseException:
                engine.close()
                raise
            return engine

        self._painter: int | None = None
        self._is_abandoned = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="open engine")
        self._opening: Future[Engine] = self._thread.submit(opened)

    @property
    def opened(self) -> Engine | None:
        """The engine itself, once it has compiled; None before, and if it cannot be opened."""
        return self._opening.result() if self._is_open else None

    @property
    def last_gpu_ms(self) -> float | None:
        """The engine's own (see `artem_vr.ports.TimedEngine`); None before it is open, or where it does not tell."""
        return device_milliseconds(self._opening.result()) if self._is_open else None

    @property
    def _is_open(self) -> bool:
        return self._opening.done() and self._opening.exception() is None

    @property
    def name(self) -> str:
        """The engine's own; `NOT_OPEN` before it is there, or if it cannot be opened."""
        return self._fact("name")

    @property
    def device(self) -> str:
        """The engine's own, likewise."""
        return self._fact("device")

    @property
    def precision(self) -> str:
        """The engine's own, likewise."""
        return self._fact("precision")

    def _fact(self, name: str) -> str:
        return str(getattr(self._opening.result(), name)) if self._is_open else NOT_OPEN

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """As `artem_vr.ports.Engine.paint`, once the engine is there."""
        return self._by_this_thread().paint(pixels_EHWC, styles_ED)

    @property
    def can_be_steady(self) -> bool:
        """The engine's own (see `artem_vr.ports.SteadyEngine`), once it is there: the first painting depends on it."""
        return can_paint_steadily(self._by_this_thread())

    def paint_steady(
        self, pixels_EHWC: Any, styles_ED: NDArray[np.float32], previous_ES: NDArray[np.float32] | None, share: Share
    ) -> tuple[Any, NDArray[np.float32]]:
        """As `artem_vr.ports.SteadyEngine.paint_steady`, once the engine is there, if it `can_be_steady`."""
        painted, used_ES = self._by_this_thread().paint_steady(pixels_EHWC, styles_ED, previous_ES, share)
        return painted, used_ES

    def on_host(self, pixels_EHWC: Any) -> NDArray[np.uint8]:
        """As `artem_vr.ports.SteadyEngine.on_host`, likewise."""
        pixels: NDArray[np.uint8] = self._by_this_thread().on_host(pixels_EHWC)
        return pixels

    def _by_this_thread(self) -> Any:
        """The engine, for the thread that paints."""
        if self._painter != threading.get_ident():
            self._painter = threading.get_ident()
            let_others_first()  # it does its share of the work
        return self._when_open()

    def abandon(self) -> None:
        """Lets nobody wait any longer for an engine that is still to open: painting raises `EngineError` instead.

        A thread that is left behind in an engine when Python ends brings the program down.
        """
        self._is_abandoned.set()

    def _when_open(self) -> Engine:
        while not wait([self._opening], _PATIENCE_SECONDS).done:
            if self._is_abandoned.is_set():
                raise EngineError("the engine was given up before it was open")
        return self._opening.result()

    def close(self) -> None:
        """Waits until the engine is open, and closes it. May be called twice."""
        self._thread.shutdown(wait=True)
        if self._opening.exception() is None:
            self._opening.result().close()
