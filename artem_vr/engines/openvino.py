"""The default engine on processors: OpenVINO, in bfloat16 where the processor computes in it, else in float32.

With a bank that was calibrated for it, also in int8 (see `artem_vr.engines.int8`): faster, and a little further off.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from artem_vr.engines.arguments import check_batch
from artem_vr.engines.graph_cache import GraphCache
from artem_vr.errors import EngineError
from artem_vr.styles import StyleBank

if TYPE_CHECKING:
    from torch import nn

_KEPT_SHAPES = 4


class OpenVinoEngine:
    """Compiles the bank's network once for each shape of the batch, with the style vectors as an input."""

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
        self._requests: OrderedDict[tuple[int, ...], ov.InferRequest] = OrderedDict()
        self.compilations = 0

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint`; takes and gives NumPy arrays."""
        if self._bank is None:
            raise EngineError("the engine is closed")
        check_batch(pixels_EHWC, styles_ED, self._style_size)
        try:
            request = self._request(pixels_EHWC.shape, self._bank)
            inputs = [np.ascontiguousarray(pixels_EHWC), np.ascontiguousarray(styles_ED, np.float32)]
            return request.infer(inputs, share_inputs=True)[0]
        except RuntimeError as error:
            raise EngineError(f"the network failed in OpenVINO: {' '.join(str(error).split())[:300]}") from error

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

    def _request(self, shape: tuple[int, ...], bank: StyleBank) -> Any:
        request = self._requests.pop(shape, None)
        if request is None:
            request = self._compile(shape, bank)
            while len(self._requests) >= _KEPT_SHAPES:
                self._requests.popitem(last=False)
        self._requests[shape] = request
        return request

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

    def _compile(self, shape: tuple[int, ...], bank: StyleBank) -> Any:
        model = self._graph(shape, bank)
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": self._rest,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # the render thread shares these cores
        }
        if self._threads:
            options["INFERENCE_NUM_THREADS"] = self._threads
        self.compilations += 1
        return self._core.compile_model(model, "CPU", options).create_infer_request()
