"""From a torch network to OpenVINO's graph, for one shape of the batch."""

import warnings
from typing import Any

import openvino as ov
import torch
from torch import nn


def converted(network: nn.Module, shape: tuple[int, ...], style_size: int) -> Any:
    """The graph of a network on bytes: uint8 pixels of `shape` (N, H, W, 3) and float32 styles (N, D) in, bytes out.

    The shapes are static: the runtime lays out memory and picks kernels better than for dynamic ones. Raises
    `RuntimeError`, as OpenVINO does, where it cannot convert the network.
    """
    example = (torch.zeros(shape, dtype=torch.uint8), torch.zeros(shape[0], style_size))
    with warnings.catch_warnings():
        # Tracing warns that sizes become constants, which is what is wanted: so there is nothing to check either,
        # and checking would run the network three more times. Newer versions call tracing itself deprecated.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(network, example, check_trace=False)
    return ov.convert_model(traced, example_input=example, input=[tuple(tensor.shape) for tensor in example])
