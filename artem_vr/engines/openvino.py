"""The default engine on processors: OpenVINO, in bfloat16 where the processor computes in it, else in float32.

With a bank that was calibrated for it, also in int8 (see `artem_vr.engines.int8`): faster, and a little further off.

The pictures of a batch are painted side by side, each by a share of the cores. Cores that work on one picture together
wait for one another after every layer; two eyes on two cores need not, and a core that something else takes for a
moment holds up its own picture alone. Measured on two cores with two eyes, against one batch: 0.96 to 0.99 of its time
in bfloat16 and 0.78 to 0.96 in int8 where nothing else ran, 0.80 and 0.66 to 0.69 where other networks ran in between.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from artem_vr.engines.arguments import check_batch
from artem_vr.engines.graph_cache import GraphCache
from artem_vr.engines.made_by_shape import MadeByShape
from artem_vr.errors import EngineError
from artem_vr.machine import processor
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
        self._bank: StyleBank | None = bank
        self._networks: tuple[nn.Module, nn.Module] | None = None
        if not self._graphs.is_known:
            self._load(bank)  # what does not fit is told on opening
        self._style_size = bank.styles_SD.shape[1]
        self._requests = MadeByShape(self._requests_for, _KEPT_SHAPES)
        self.compilations = 0

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint`; takes and gives NumPy arrays."""
        if self._bank is None:
            raise EngineError("the engine is closed")
        check_batch(pixels_EHWC, styles_ED, self._style_size)
        try:
            # The runtime looks at the arrays themselves, and only at such that could be written to.
            pixels = np.require(pixels_EHWC, requirements=["C", "W"])
            return self._paint(pixels, np.require(styles_ED, np.float32, ["C", "W"]))
        except RuntimeError as error:
            raise _failure(error) from error

    def prepare(self, shape: tuple[int, ...]) -> None:
        """See `artem_vr.ports.PreparingEngine`."""
        try:
            self._requests.get(shape)
        except RuntimeError as error:
            raise _failure(error) from error

    def _paint(self, pixels_EHWC: NDArray[np.uint8], styles_ED: NDArray[np.float32]) -> NDArray[np.uint8]:
        requests = self._requests.get(pixels_EHWC.shape)
        painted_EHWC = np.empty_like(pixels_EHWC)
        started: list[ov.InferRequest] = []
        failures: list[BaseException] = []
        try:
            for picture, request in enumerate(requests):
                one = slice(picture, picture + 1)
                _start(request, pixels_EHWC[one], styles_ED[one], painted_EHWC[one])
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
        return painted_EHWC

    def close(self) -> None:
        """Frees the compiled networks."""
        self._requests.clear()
        self._bank = self._networks = None

    def _load(self, bank: StyleBank) -> "tuple[nn.Module, nn.Module]":
        """The torch network as it is, and as it runs on bytes. Imports torch, which takes longer than all the rest."""
        if self._networks is None:
            from artem_vr.engines.bytes_network import fast_bytes_network
            from artem_vr.engines.loading import load_network

            plain = load_network(bank)
            self._networks = plain, fast_bytes_network(plain)
        return self._networks

    def _requests_for(self, shape: tuple[int, ...]) -> list[ov.InferRequest]:
        """A request for each picture of a batch (E, H, W, 3)."""
        if self._bank is None:
            raise EngineError("the engine is closed")
        compiled = self._compile((1, *shape[1:]), shape[0], self._bank)
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

    def _compile(self, shape: tuple[int, ...], pictures: int, bank: StyleBank) -> Any:
        """The network for pictures one by one, of which as many as there are cores are painted at a time."""
        model = self._graph(shape, bank)
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


def _start(request: ov.InferRequest, pixels_1HWC: Any, styles_1D: Any, painted_1HWC: Any) -> None:
    """Begins to paint one picture into `painted_1HWC`. No array is copied: all must live until it is done."""
    request.set_input_tensor(0, ov.Tensor(pixels_1HWC, shared_memory=True))
    request.set_input_tensor(1, ov.Tensor(styles_1D, shared_memory=True))
    request.set_output_tensor(0, ov.Tensor(painted_1HWC, shared_memory=True))
    request.start_async()


def _failure(error: RuntimeError) -> EngineError:
    return EngineError(f"the network failed in OpenVINO: {' '.join(str(error).split())[:300]}")
