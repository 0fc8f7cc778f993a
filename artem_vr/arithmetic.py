"""How much arithmetic a network takes, and how much of it this machine can do."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MATMUL_SIZES = (384, 512, 768, 1024, 2048)
"""Small enough to stay in caches, large enough to keep every core busy: the best one differs between machines."""

_SECONDS_A_SIZE = 0.2


def count_flops(network: nn.Module, *inputs: Tensor) -> int:
    """The floating-point operations of one forward pass: two for each multiply-and-add of a convolution or linear map.

    Counted from the shapes that really pass through the layers, with biases and everything between the layers left
    out: what is counted is the part that a matrix product could do as well.
    """
    total = 0

    def count(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += 2 * _multiply_adds(layer, arguments[0], output)

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        with torch.inference_mode():
            network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return total


def _multiply_adds(layer: nn.Module, given: Tensor, output: Tensor) -> int:
    if isinstance(layer, nn.ConvTranspose2d):
        return given.numel() * layer.weight[0].numel()  # every input value is spread over a whole kernel
    if isinstance(layer, nn.Conv2d | nn.Linear):
        return output.numel() * layer.weight[0].numel()  # every output value is gathered from a whole kernel
    return 0


@dataclass(frozen=True, slots=True)
class Matmul:
    """A square matrix product of `size`, ready to run on the host in the given runtime and precision."""

    runtime: str
    precision: str
    size: int
    run: Callable[[], Any]

    @property
    def flops(self) -> int:
        """Floating-point operations of one run."""
        return 2 * self.size**3


def fastest_matmuls(precision: str, sizes: tuple[int, ...] = MATMUL_SIZES) -> list[Matmul]:
    """One candidate for the machine's peak from each runtime, PyTorch and OpenVINO: the product at its fastest size.

    precision: "f32" or "bf16". Both are given, for the faster one may change with what else the machine does.
    """
    candidates = []
    for make in (_torch_matmul, _openvino_matmul):
        timed = ((_fastest_seconds(matmul.run), matmul) for matmul in (make(precision, size) for size in sizes))
        candidates.append(max(timed, key=lambda pair: pair[1].flops / pair[0])[1])
    return candidates


def _torch_matmul(precision: str, size: int) -> Matmul:
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    left, right, out = (torch.rand(size, size).to(dtype) for _ in range(3))
    return Matmul("torch", precision, size, lambda: torch.mm(left, right, out=out))


def _openvino_matmul(precision: str, size: int) -> Matmul:
    import openvino as ov
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    left = ops.parameter([size, size], np.float32)
    right = ops.constant(random.random((size, size), np.float32))
    model = ov.Model([ops.matmul(left, right, False, False)], [left])
    options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    request = ov.Core().compile_model(model, "CPU", options).create_infer_request()
    request.set_input_tensor(ov.Tensor(random.random((size, size), np.float32)))
    return Matmul("openvino", precision, size, lambda: request.infer(share_outputs=True))


def _fastest_seconds(run: Callable[[], Any]) -> float:
    # The fastest of many, for a moment without other work shows what the machine can do.
    run()
    end = time.perf_counter() + _SECONDS_A_SIZE
    fastest = math.inf
    while (start := time.perf_counter()) < end:
        run()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
