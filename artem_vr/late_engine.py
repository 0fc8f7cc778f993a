"""An engine that opens while other things do."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.errors import EngineError
from artem_vr.frame import EYES, Size
from artem_vr.ports import Engine, device_milliseconds
from artem_vr.thread_priority import let_others_first

NOT_OPEN = "none"
_PATIENCE_SECONDS = 0.1


class LateEngine:
    """Opens an engine on a thread of its own, and has it compile for `size`, (width, height) of one eye.

    Painting waits until that is done, which is why only the stylizer's thread should ask for it. What opening raised is
    raised then. All threads that work for it let others first (see `artem_vr.thread_priority`).
    """

    def __init__(self, open_engine: Callable[[], Engine], size: Size, styles_ED: NDArray[np.float32]) -> None:
        pixels_EHWC = np.zeros((EYES, size[1], size[0], 3), np.uint8)

        def opened() -> Engine:
            let_others_first()  # as will the threads that the engine starts
            engine = open_engine()
            try:
                engine.paint(pixels_EHWC, styles_ED)
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
        if self._painter != threading.get_ident():
            self._painter = threading.get_ident()
            let_others_first()  # it does its share of the work
        return self._when_open().paint(pixels_EHWC, styles_ED)

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
