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
    example = (torch.zeros(shape, dtype=torch.uint8), torch.zeros(shape[0], style_size))
    with warnings.catch_warnings():
        # Tracing warns that sizes become constants, which is what is wanted: so there is nothing to check either,
        # and checking would run the network three more times. Newer versions call tracing itself deprecated.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(network, example, check_trace=False)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=example)  # must live until the conversion is done
    model = frontend.convert(frontend.load(decoder))
    for port, tensor, numbers in zip(model.inputs, example, (ov.Type.u8, ov.Type.f32), strict=True):
        port.get_node().set_element_type(numbers)
        port.get_node().set_partial_shape(ov.PartialShape(list(tensor.shape)))
    model.validate_nodes_and_infer_types()
    passes = Manager()
    passes.register_pass(ConstantFolding())  # weights as they are, for whoever rounds them
    passes.run_passes(model)
    return model
