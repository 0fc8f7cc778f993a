"""The default engine on processors: OpenVINO, in bfloat16 where the processor computes in it, else in float32.

With a bank that was calibrated for it, also in int8 (see `artem_vr.engines.int8`): faster, and a little further off.

The pictures of a batch are painted side by side, each by a share of the cores. Cores that work on one picture together
wait for one another after every layer; two eyes on two cores need not, and a core that something else takes for a
moment holds up its own picture alone. Measured on two cores with two eyes, against one batch: 0.96 to 0.99 of its time
in bfloat16 and 0.78 to 0.96 in int8 where nothing else ran, 0.80 and 0.66 to 0.69 where other networks ran in between.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from artem_vr.engines.arguments import check_batch, steady_inputs
from artem_vr.engines.graph_cache import GraphCache
from artem_vr.engines.made_by_shape import MadeByShape
from artem_vr.errors import EngineError
from artem_vr.machine import processor
from artem_vr.ports import Share
from artem_vr.styles import StyleBank

if TYPE_CHECKING:
    from torch import nn

_KEPT_SHAPES = 4


class OpenVinoEngine:
    """Compiles the bank's network once for each shape of the batch, with the style vectors as an input.

    `threads` is how many cores it takes, all unless given. Raises `EngineError` for a precision that the processor or
    the bank does not have.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, bank: StyleBank, precision: str = "auto", threads: int | None = None) -> None:
        self._core = ov.Core()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        native = "bf16" if "BF16" in capabilities else "f32"
        if precision == "auto":
            precision = native
        if precision not in {"f32", "bf16", "int8"}:
            raise EngineError(
                f"the openvino engine has no precision '{precision}': choose auto, f32 or bf16, or int8 for a bank "
                "that was calibrated for it"
            )
        if precision == "bf16" and "BF16" not in capabilities:
            # The runtime would quietly compute in float32, and the statistics would name the wrong precision.
            raise EngineError("this processor does not compute in bf16: choose precision auto or f32")
        if precision == "int8" and "INT8" not in capabilities:
            raise EngineError("this processor does not compute in int8: choose precision auto or f32")
        if precision == "int8" and not bank.ranges:
            raise EngineError(
                f"{bank.path} was not calibrated for int8: choose precision auto, or make a bank that is with "
                "`artem-vr train trainer/recipes/int8.toml`"
            )
        self.precision = precision
        # What is not a convolution, or not one with a range, is computed in what the processor is best at.
        self._rest = native if precision == "int8" else precision
        self._ranges = bank.ranges if precision == "int8" else {}
        self._threads = threads
        self._graphs = GraphCache(bank, is_int8=precision == "int8")
        self._steady_graphs = GraphCache(bank, is_int8=precision == "int8", variant=f"steady {self._rest}")
        self.can_be_steady = bank.card.network["kind"] == "compact"
        self._bank: StyleBank | None = bank
        self._networks: tuple[nn.Module, nn.Module] | None = None
        if not self._graphs.is_known:
            self._load(bank)  # what does not fit is told on opening
        self._style_size = bank.styles_SD.shape[1]
        self._requests = MadeByShape(partial(self._requests_for, is_steady=False), _KEPT_SHAPES)
        self._steady_requests = MadeByShape(partial(self._requests_for, is_steady=True), _KEPT_SHAPES)
        self._is_steady = False  # what it was asked for last, and so what it prepares
        self.compilations = 0

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint`; takes and gives NumPy arrays."""
        pixels, styles = self._checked(pixels_EHWC, styles_ED)
        self._is_steady = False
        painted = np.empty_like(pixels)
        try:
            _run(self._requests.get(pixels.shape), (pixels, styles), (painted,))
        except RuntimeError as error:
            raise _failure(error) from error
        return painted

    def paint_steady(
        self, pixels_EHWC: Any, styles_ED: NDArray[np.float32], previous_ES: NDArray[np.float32] | None, share: Share
    ) -> tuple[Any, NDArray[np.float32]]:
        """See `artem_vr.ports.SteadyEngine`; takes and gives NumPy arrays.

        The steady way is a graph of its own, so that the plain one costs what it did. Where it was not prepared it is
        compiled here, which holds up the calling thread (measured: half a second, one more if none has been kept).
        """
        pixels, styles = self._checked(pixels_EHWC, styles_ED)
        if not self.can_be_steady:
            steady_inputs(None, share, len(pixels), 0)
        self._is_steady = True
        try:
            requests = self._steady_requests.get(pixels.shape)
            size = int(requests[0].get_input_tensor(2).shape[1])
            steady = steady_inputs(previous_ES, share, len(pixels), size)
            painted, used = np.empty_like(pixels), np.empty((len(pixels), size), np.float32)
            _run(requests, (pixels, styles, *steady), (painted, used))
        except RuntimeError as error:
            raise _failure(error) from error
        return painted, used

    def on_host(self, pixels_EHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `artem_vr.ports.SteadyEngine`."""
        return pixels_EHWC

    def prepare(self, shape: tuple[int, ...]) -> None:
        """See `artem_vr.ports.PreparingEngine`. It is the way that was painted last which is made ready."""
        try:
            (self._steady_requests if self._is_steady else self._requests).get(shape)
        except RuntimeError as error:
            raise _failure(error) from error

    def close(self) -> None:
        """Frees the compiled networks."""
        self._requests.clear()
        self._steady_requests.clear()
        self._bank = self._networks = None

    def _load(self, bank: StyleBank) -> "tuple[nn.Module, nn.Module]":
        """The torch network as it is, and as it runs on bytes. Imports torch, which takes longer than all the rest."""
        if self._networks is None:
            from artem_vr.engines.bytes_network import fast_bytes_network
            from artem_vr.engines.loading import load_network

            plain = load_network(bank)
            self._networks = plain, fast_bytes_network(plain)
        return self._networks

    def _checked(self, pixels_EHWC: Any, styles_ED: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        if self._bank is None:
            raise EngineError("the engine is closed")
        check_batch(pixels_EHWC, styles_ED, self._style_size)
        # The runtime looks at the arrays themselves, and only at such that could be written to.
        pixels = np.require(pixels_EHWC, requirements=["C", "W"])
        return pixels, np.require(styles_ED, np.float32, ["C", "W"])

    def _requests_for(self, shape: tuple[int, ...], is_steady: bool) -> list[ov.InferRequest]:
        """A request for each picture of a batch (E, H, W, 3)."""
        if self._bank is None:
            raise EngineError("the engine is closed")
        one = (1, *shape[1:])
        model = self._steady_graph(one, self._bank) if is_steady else self._graph(one, self._bank)
        compiled = self._compile(model, shape[0])
        return [compiled.create_infer_request() for _ in range(shape[0])]

    def _graph(self, shape: tuple[int, ...], bank: StyleBank) -> Any:
        """The network's graph for one shape of the batch: the one kept from an earlier start, or a new one."""
        model = self._graphs.load(self._core, shape)
        if model is None:
            from artem_vr.engines.conversion import converted
            from artem_vr.engines.int8 import round_convolutions

            plain, network = self._load(bank)
            model = converted(network, shape, self._style_size)
            if self._ranges:
                round_convolutions(model, plain, self._ranges)
            self._graphs.keep(model, shape)
        return model

    def _steady_graph(self, shape: tuple[int, ...], bank: StyleBank) -> Any:
        """The same of the network's way with steady statistics."""
        model = self._steady_graphs.load(self._core, shape)
        if model is None:
            from artem_vr.engines.bytes_network import statistics_size
            from artem_vr.engines.compact_bytes import CompactBytes, SteadyCompactBytes
            from artem_vr.engines.conversion import converted_steady
            from artem_vr.engines.int8 import round_convolutions

            plain, network = self._load(bank)
            if not isinstance(network, CompactBytes):
                raise EngineError(f"{bank.path}: its kind of network has no steady way")
            steady = SteadyCompactBytes(network, for_bfloat16=self._rest == "bf16")
            model = converted_steady(steady, shape, self._style_size, statistics_size(plain))
            if self._ranges:
                round_convolutions(model, plain, self._ranges)
            self._steady_graphs.keep(model, shape)
        return model

    def _compile(self, model: Any, pictures: int) -> Any:
        """A graph for pictures one by one, of which as many as there are cores are painted at a time."""
        threads = self._threads or processor().cores
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": self._rest,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": min(pictures, threads),
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # the render thread shares these cores
        }
        self.compilations += 1
        return self._core.compile_model(model, "CPU", options)


def _run(requests: list[ov.InferRequest], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Paints the pictures of a batch side by side, from and into their places in the arrays. No array is copied."""
    started: list[ov.InferRequest] = []
    failures: list[BaseException] = []
    try:
        for picture, request in enumerate(requests):
            one = slice(picture, picture + 1)
            for port, array in enumerate(inputs):
                request.set_input_tensor(port, ov.Tensor(array[one], shared_memory=True))
            for port, array in enumerate(outputs):
                request.set_output_tensor(port, ov.Tensor(array[one], shared_memory=True))
            request.start_async()
            started.append(request)
    finally:
        # All of them, whatever becomes of one: the arrays must not go before.
        for request in started:
            try:
                request.wait()
            except BaseException as error:  # also Ctrl-C, which must not go before the others have ended
                failures.append(error)
    if failures:
        raise failures[0]


def _failure(error: RuntimeError) -> EngineError:
    return EngineError(f"the network failed in OpenVINO: {' '.join(str(error).split())[:300]}")
