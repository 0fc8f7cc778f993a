"""How much arithmetic a network takes, and how much of it this machine can do."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from artem_vr.memory_traffic import settle

MATMUL_SIZES = (384, 512, 768, 1024, 2048)
"""Small enough to stay in caches, large enough to keep every core busy: the best one differs between machines."""

GPU_MATMUL_SIZES = (2048, 4096, 8192)
"""The same for a GPU, which wants larger ones."""

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
    """A square matrix product of `size`, ready to run in the given runtime and precision; synchronous on a GPU too."""

    runtime: str
    precision: str
    size: int
    run: Callable[[], Any]
    device: str = "cpu"

    @property
    def flops(self) -> int:
        """Operations of one run: two for each multiply-and-add, in eight bits as in floating point."""
        return 2 * self.size**3


def fastest_matmuls(precision: str, sizes: tuple[int, ...] = MATMUL_SIZES, device: str = "cpu") -> list[Matmul]:
    """One candidate for the machine's peak from each runtime, PyTorch and OpenVINO: the product at its fastest size.

    precision: "f32", "bf16", "int8" or, on a GPU, "f16". All are given, for the faster one may change with what else
    the machine does. A runtime that lacks the precision gives none, and on a GPU PyTorch is the only one.
    """
    makers: tuple[Callable[[str, int, str], Matmul], ...] = (_torch_matmul, _openvino_matmul)
    candidates = []
    for make in makers if device == "cpu" else makers[:1]:
        try:
            timed = [(_fastest_seconds(each.run), each) for each in (make(precision, size, device) for size in sizes)]
        except (RuntimeError, AttributeError):  # no such product in this version, or not on this processor
            continue
        candidates.append(max(timed, key=lambda pair: pair[1].flops / pair[0])[1])
    return candidates


def _torch_matmul(precision: str, size: int, device: str) -> Matmul:
    if precision == "int8":
        return _torch_int8_matmul(size, device)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[precision]
    left, right, out = (torch.rand(size, size, device=device).to(dtype) for _ in range(3))
    # What convolutions may do in float32 on a GPU (TF32, unless told otherwise) is the peak for them.
    setting = "tf32" if device != "cpu" and torch.backends.cudnn.allow_tf32 else None

    def run() -> None:
        if setting is None:
            torch.mm(left, right, out=out)
        else:
            before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
            torch.mm(left, right, out=out)
            torch.backends.cuda.matmul.allow_tf32 = before
        settle(device)

    return Matmul("torch", precision, size, run, device)


def _torch_int8_matmul(size: int, device: str) -> Matmul:
    left, right = (torch.randint(-127, 128, (size, size), dtype=torch.int8, device=device) for _ in range(2))
    out = torch.empty(size, size, dtype=torch.int32, device=device)
    product = torch._int_mm  # the one product of bytes that PyTorch has

    def run() -> None:
        product(left, right, out=out)
        settle(device)

    return Matmul("torch", "int8", size, run, device)


def _openvino_matmul(precision: str, size: int, device: str) -> Matmul:
    import openvino as ov
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    left_array = random.random((size, size), np.float32)
    right_array = random.random((size, size), np.float32)
    if precision == "int8":
        left_array = (255 * left_array).astype(np.uint8)
        left = ops.parameter([size, size], np.uint8)
        # Told between which bounds both factors are rounded, the runtime multiplies bytes.
        product = ops.matmul(
            _rounded(ops.convert(left, "f32"), 256), _rounded(ops.constant(right_array), 255), False, False
        )
    else:
        left = ops.parameter([size, size], np.float32)
        product = ops.matmul(left, ops.constant(right_array), False, False)
    hint = "f32" if precision == "int8" else precision
    options = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    request = ov.Core().compile_model(ov.Model([product], [left]), "CPU", options).create_infer_request()
    request.set_input_tensor(ov.Tensor(left_array))
    return Matmul("openvino", precision, size, lambda: request.infer(share_outputs=True), device)


def _rounded(values: Any, levels: int) -> Any:
    from openvino import opset13 as ops

    low, high = (0.0, 255.0) if levels == 256 else (-1.0, 1.0)
    bounds = [ops.constant(np.float32(bound)) for bound in (low, high)]
    return ops.fake_quantize(values, *bounds, *bounds, levels)


def _fastest_seconds(run: Callable[[], Any]) -> float:
    # The fastest of many, for a moment without other work shows what the machine can do.
    run()
    end = time.perf_counter() + _SECONDS_A_SIZE
    fastest = math.inf
    while (start := time.perf_counter()) < end:
        run()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
