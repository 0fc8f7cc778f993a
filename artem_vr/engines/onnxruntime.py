"""An engine on ONNX Runtime: a second one for processors, and through its providers one for hardware of many makers.

Install one of ONNX Runtime's packages for that: they differ in their providers (see `artem_vr.engines.onnx_providers`).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from artem_vr.engines.arguments import check_batch
from artem_vr.engines.graph_cache import OnnxGraphCache
from artem_vr.engines.made_by_shape import MadeByShape
from artem_vr.engines.onnx_providers import OPSET, choose, open_session, package
from artem_vr.errors import EngineError
from artem_vr.styles import StyleBank

if TYPE_CHECKING:
    from torch import nn

Painter = Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.uint8]]
_KEPT_SHAPES = 4
_log = logging.getLogger(__name__)


class OnnxRuntimeEngine:
    """Opens a session once for each shape of the batch, with the style vectors as an input."""

    name = "onnxruntime"

    def __init__(
        self, bank: StyleBank, device: str = "auto", precision: str = "auto", threads: int | None = None
    ) -> None:
        self._chosen = choose(device, precision)
        self.device, self.precision = self._chosen.place.device, self._chosen.precision
        self._runtime = package()
        self._threads = threads
        variant = f"{self.precision} {'processor' if self._chosen.on_processor else 'device'}"
        self._graphs = OnnxGraphCache(bank, f"{self._runtime.__version__} {OPSET} {variant}")
        self._bank: StyleBank | None = bank
        self._network: nn.Module | None = None
        if not self._graphs.is_known:
            self._load(bank)  # what does not fit is told on opening
        self._style_size = bank.styles_SD.shape[1]
        self._painters = MadeByShape(self._painter, _KEPT_SHAPES)
        self.compilations = 0

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint`; takes and gives NumPy arrays."""
        if self._bank is None:
            raise EngineError("the engine is closed")
        check_batch(pixels_EHWC, styles_ED, self._style_size)
        with _told():
            painter = self._painters.get(pixels_EHWC.shape)
            return painter(np.ascontiguousarray(pixels_EHWC), np.ascontiguousarray(styles_ED, np.float32))

    def prepare(self, shape: tuple[int, ...]) -> None:
        """See `artem_vr.ports.PreparingEngine`."""
        with _told():
            self._painters.get(shape)

    def close(self) -> None:
        """Frees the sessions."""
        self._painters.clear()
        self._bank = self._network = None

    def _load(self, bank: StyleBank) -> "nn.Module":
        """The torch network as it runs on bytes. Imports torch, which takes longer than all the rest."""
        if self._network is None:
            from artem_vr.engines.loading import load_network
            from artem_vr.engines.onnx_graph import network_on_bytes

            self._network = network_on_bytes(load_network(bank), self.precision, self._chosen.on_processor)
        return self._network

    def _painter(self, shape: tuple[int, ...]) -> Painter:
        if self._bank is None:
            raise EngineError("the engine is closed")
        self.compilations += 1
        session, memory = self._session(shape, self._bank), self._chosen.place.memory
        return BoundPainter(self._runtime, session, shape, self._style_size, memory) if memory else direct(session)

    def _session(self, shape: tuple[int, ...], bank: StyleBank) -> Any:
        """A session for one shape of the batch, from the graph kept from an earlier start or from a new one."""
        kept = self._graphs.load(shape)
        if kept is not None:
            try:
                session = open_session(self._runtime, kept, self._chosen, self._threads)
                if tuple(session.get_inputs()[0].shape) == shape:
                    return session
            except EngineError:
                raise
            except Exception as error:
                _log.debug("the graph that was kept for %s is of no use: %s", shape, error)
        from artem_vr.engines.onnx_graph import fixed_graph

        graph = fixed_graph(self._load(bank), shape, self._style_size).SerializeToString()
        session = open_session(self._runtime, graph, self._chosen, self._threads)
        self._graphs.keep(graph, shape)
        return session


@contextmanager
def _told() -> Iterator[None]:
    """Whatever ONNX Runtime raises, whose exceptions have no root of their own, as `EngineError`."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        raise EngineError(f"the network failed in ONNX Runtime: {' '.join(str(error).split())[:300]}") from error


def direct(session: Any) -> Painter:
    """Paints with arrays as they are: on a processor nothing is copied but what was painted."""
    return lambda pixels_EHWC, styles_ED: session.run(["painted"], {"pixels": pixels_EHWC, "styles": styles_ED})[0]


class BoundPainter:
    """Paints through buffers in a device's memory that stay where they are, so that none is made for a frame.

    `memory` is ONNX Runtime's name for it: cuda, dml, or cpu, where it is the plain twin for tests.
    """

    def __init__(self, runtime: Any, session: Any, shape: tuple[int, ...], style_size: int, memory: str) -> None:
        place = runtime.OrtValue.ortvalue_from_numpy
        self._session, self._binding = session, session.io_binding()
        self._is_host = memory == "cpu"
        self._pixels, self._painted = (place(np.zeros(shape, np.uint8), memory, 0) for _ in range(2))
        self._styles = place(np.zeros((shape[0], style_size), np.float32), memory, 0)
        self._binding.bind_ortvalue_input("pixels", self._pixels)
        self._binding.bind_ortvalue_input("styles", self._styles)
        self._binding.bind_ortvalue_output("painted", self._painted)

    def __call__(self, pixels_EHWC: NDArray[np.uint8], styles_ED: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The painted pictures, in an array of their own."""
        self._pixels.update_inplace(pixels_EHWC)
        self._styles.update_inplace(styles_ED)
        self._session.run_with_iobinding(self._binding)
        painted: NDArray[np.uint8] = self._painted.numpy()
        return painted.copy() if self._is_host else painted  # from a device it has been copied already
