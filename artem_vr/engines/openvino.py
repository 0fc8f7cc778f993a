"""The default engine on processors: OpenVINO, in bfloat16 where the processor computes in it, else in float32."""

import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from torch import nn

from artem_vr.engines.arguments import check_batch
from artem_vr.engines.bytes_network import fast_bytes_network
from artem_vr.engines.loading import load_network
from artem_vr.errors import EngineError
from artem_vr.styles import StyleBank

_KEPT_SHAPES = 4


class OpenVinoEngine:
    """Compiles the bank's network once for each shape of the batch, with the style vectors as an input."""

    name = "openvino"
    device = "cpu"

    def __init__(self, bank: StyleBank, precision: str = "auto", threads: int | None = None) -> None:
        self._core = ov.Core()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "auto":
            precision = "bf16" if "BF16" in capabilities else "f32"
        if precision not in {"f32", "bf16"}:
            raise EngineError(f"the openvino engine has no precision '{precision}': choose auto, f32 or bf16")
        if precision == "bf16" and "BF16" not in capabilities:
            # The runtime would quietly compute in float32, and the statistics would name the wrong precision.
            raise EngineError("this processor does not compute in bf16: choose precision auto or f32")
        self.precision = precision
        self._threads = threads
        self._network: nn.Module | None = fast_bytes_network(load_network(bank))
        self._style_size = bank.styles_SD.shape[1]
        self._requests: OrderedDict[tuple[int, ...], ov.InferRequest] = OrderedDict()
        self.compilations = 0

    def paint(self, pixels_EHWC: Any, styles_ED: NDArray[np.float32]) -> Any:
        """See `artem_vr.ports.Engine.paint`; takes and gives NumPy arrays."""
        if self._network is None:
            raise EngineError("the engine is closed")
        check_batch(pixels_EHWC, styles_ED, self._style_size)
        try:
            request = self._request(pixels_EHWC.shape)
            inputs = [np.ascontiguousarray(pixels_EHWC), np.ascontiguousarray(styles_ED, np.float32)]
            return request.infer(inputs, share_inputs=True)[0]
        except RuntimeError as error:
            raise EngineError(f"the network failed in OpenVINO: {' '.join(str(error).split())[:300]}") from error

    def close(self) -> None:
        """Frees the compiled networks."""
        self._requests.clear()
        self._network = None

    def _request(self, shape: tuple[int, ...]) -> Any:
        request = self._requests.pop(shape, None)
        if request is None:
            request = self._compile(shape)
            while len(self._requests) >= _KEPT_SHAPES:
                self._requests.popitem(last=False)
        self._requests[shape] = request
        return request

    def _compile(self, shape: tuple[int, ...]) -> Any:
        example = (torch.zeros(shape, dtype=torch.uint8), torch.zeros(shape[0], self._style_size))
        # The shapes are static: the runtime lays out memory and picks kernels better than for dynamic ones.
        with warnings.catch_warnings():
            # Tracing warns that sizes become constants, which is what is wanted: so there is nothing to check either,
            # and checking would run the network three more times. Newer versions call tracing itself deprecated.
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            traced = torch.jit.trace(self._network, example, check_trace=False)
        model = ov.convert_model(traced, example_input=example, input=[tuple(tensor.shape) for tensor in example])
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # the render thread shares these cores
        }
        if self._threads:
            options["INFERENCE_NUM_THREADS"] = self._threads
        self.compilations += 1
        return self._core.compile_model(model, "CPU", options).create_infer_request()
