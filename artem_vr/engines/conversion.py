"""From a torch network to OpenVINO's graph, for one shape of the batch."""

import warnings
from typing import Any

import openvino as ov
import torch
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from openvino.passes import ConstantFolding, Manager
from torch import nn


def converted(network: nn.Module, shape: tuple[int, ...], style_size: int) -> Any:
    """The graph of a network on bytes: uint8 pixels of `shape` (N, H, W, 3) and float32 styles (N, D) in, bytes out.

    The shapes are static: the runtime lays out memory and picks kernels better than for dynamic ones. Raises
    `RuntimeError`, as OpenVINO does, where it cannot convert the network.

    The frontend is asked itself: `openvino.convert_model` takes four times as long to ask it, and reports each use to
    its makers over the network.
    """
    return _converted(network, _examples(shape, style_size))


def converted_steady(network: nn.Module, shape: tuple[int, ...], style_size: int, statistics_size: int) -> Any:
    """The same of a network's way with steady statistics (`artem_vr.engines.compact_bytes.SteadyCompactBytes`).

    Further inputs are the previous statistics (N, S) and their share (N, 1), the second output the statistics used.
    """
    steady = torch.zeros(shape[0], statistics_size), torch.zeros(shape[0], 1)
    return _converted(network, (*_examples(shape, style_size), *steady))


def _examples(shape: tuple[int, ...], style_size: int) -> tuple[torch.Tensor, ...]:
    return torch.zeros(shape, dtype=torch.uint8), torch.zeros(shape[0], style_size)


def _converted(network: nn.Module, example: tuple[torch.Tensor, ...]) -> Any:
    with warnings.catch_warnings():
        # Tracing warns that sizes become constants, which is what is wanted: so there is nothing to check either,
        # and checking would run the network three more times. Newer versions call tracing itself deprecated.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(network, example, check_trace=False)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=example)  # must live until the conversion is done
    model = frontend.convert(frontend.load(decoder))
    for port, tensor in zip(model.inputs, example, strict=True):
        port.get_node().set_element_type(ov.Type.u8 if tensor.dtype is torch.uint8 else ov.Type.f32)
        port.get_node().set_partial_shape(ov.PartialShape(list(tensor.shape)))
    model.validate_nodes_and_infer_types()
    passes = Manager()
    passes.register_pass(ConstantFolding())  # weights as they are, for whoever rounds them
    passes.run_passes(model)
    return model
