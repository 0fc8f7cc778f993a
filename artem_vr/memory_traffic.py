"""How many bytes a network moves at least, and how fast this machine's memory is.

With the arithmetic (`artem_vr.arithmetic`) that makes a roofline (Williams, Waterman and Patterson 2009): no program
runs the network in less than the longer of its operations at the peak rate and its bytes at the bandwidth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

COPIED_MEGABYTES = 256
"""Megabytes of each array that is copied: far more than any cache holds."""

_BYTES = {"f32": 4, "bf16": 2, "f16": 2, "int8": 1}


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one forward pass reads and writes, counted in numbers: the network's precision says how large each is.

    `parameters`: weights and style vectors. `layers`: input and output of every convolution and linear map, each once.
    `pictures`: the pixels in and out, which are bytes in every precision.
    """

    parameters: int
    layers: int
    pictures: int

    def fused_bytes(self, precision: str) -> int:
        """Bytes with ideal fusion: pixels in, pixels out, weights once; all between stays in caches. A lower bound."""
        return self.parameters * _BYTES[precision] + self.pictures

    def layerwise_bytes(self, precision: str) -> int:
        """Bytes without fusion: every layer fetches its input from memory and puts its output there.

        A lower bound for programs without fusion (normalisations count as part of the layer before them) on a machine
        without caches. One with caches that hold a layer's output can need less.
        """
        return (self.parameters + self.layers) * _BYTES[precision]


def count_traffic(network: nn.Module, batch_NCHW: Tensor, styles_ND: Tensor) -> Traffic:
    """Counted from the shapes that really pass through the layers of one forward pass."""
    layers_total = 0

    def count(_layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal layers_total
        layers_total += arguments[0].numel() + output.numel()

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        with torch.inference_mode():
            painted = network(batch_NCHW, styles_ND)
    finally:
        for hook in hooks:
            hook.remove()
    parameters = sum(parameter.numel() for parameter in network.parameters()) + styles_ND.numel()
    return Traffic(parameters, layers_total, batch_NCHW.numel() + painted.numel())


@dataclass(frozen=True, slots=True)
class MemoryStream:
    """A pass over large arrays, ready to run synchronously. `bytes_moved` are those read and written by one run."""

    name: str
    device: str
    bytes_moved: int
    run: Callable[[], Any]


def memory_streams(device: str = "cpu", megabytes: int = COPIED_MEGABYTES) -> list[MemoryStream]:
    """Copy and triad (McCalpin's STREAM) in PyTorch, on all cores or on a GPU: the faster one is the bandwidth.

    Bytes are counted as STREAM counts them; what a cache fetches before it is overwritten is not.
    """
    count = megabytes * 2**20 // 4
    out, left, right = (torch.rand(count, device=device) for _ in range(3))

    def copy() -> None:
        out.copy_(left)
        settle(device)

    def triad() -> None:
        torch.add(left, right, alpha=3.0, out=out)
        settle(device)

    return [MemoryStream("copy", device, 2 * 4 * count, copy), MemoryStream("triad", device, 3 * 4 * count, triad)]


def settle(device: str) -> None:
    """Waits until a GPU has done what it was given; a processor has."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
