"""From a torch network to a graph in ONNX, for one shape of the batch or for any. Import this late: it needs torch.

The graph takes and gives what engines do: `pixels`, uint8 RGB (N, H, W, 3), and `styles`, float32 (N, D), in;
`painted`, like the pixels, out.
"""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from artem_vr.engines.bytes_network import BytesNetwork, fast_bytes_network
from artem_vr.engines.onnx_providers import OPSET, package

FACTOR = 8
"""What heights and widths must be multiples of in a graph for any shape."""
SMALLEST = 16
_FREE = {"pictures": 1, "rows": SMALLEST // FACTOR, "columns": SMALLEST // FACTOR}
"""The dimensions that stay free, and the least of each; rows and columns count in FACTOR."""
_SQUARES = [0, 3, 4, 1, 5, 2]
"""How `artem_vr.nets.compact.squares_laid_out` permutes, which is what DepthToSpace does in its mode DCR."""


class HalfInside(nn.Module):
    """A generator on bytes that computes in half precision between its ends; the one given stays as it is."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.bytes_network = BytesNetwork(copy.deepcopy(network).half())

    def forward(self, pixels_NHWC: Tensor, styles_ND: Tensor) -> Tensor:
        """As `BytesNetwork`, with styles in single precision."""
        return self.bytes_network(pixels_NHWC, styles_ND.half())


def network_on_bytes(network: nn.Module, precision: str, on_processor: bool) -> nn.Module:
    """The variant of a generator that suits where it runs. `precision` is f32 or f16.

    On processors it has the fewest passes over the pixels. Elsewhere it is the plain one, which does all its work in
    floats: most providers cannot pad bytes, and would fetch the picture back to the host for it.
    """
    if precision == "f16":
        return HalfInside(network)
    return fast_bytes_network(network) if on_processor else BytesNetwork(network)


def fixed_graph(network: nn.Module, shape: tuple[int, ...], style_size: int) -> Any:
    """The ONNX model of a network on bytes, for pixels of `shape` (N, H, W, 3) alone.

    Raises `EngineError` where a package is missing, and `RuntimeError`, as torch does, where it cannot be converted.
    """
    return _exported(network, (torch.zeros(shape, dtype=torch.uint8), torch.zeros(shape[0], style_size)), None)


def free_graph(network: nn.Module, style_size: int) -> Any:
    """The same for any shape whose height and width are multiples of FACTOR and at least SMALLEST.

    It runs as fast on a processor, but takes five times as long to make (measured with the shipped network: 12 seconds
    of a core instead of 2.4).
    """
    example = torch.zeros(2, 4 * SMALLEST, 3 * SMALLEST, 3, dtype=torch.uint8), torch.zeros(2, style_size)
    count, rows, columns = (torch.export.Dim(name, min=least, max=1024) for name, least in _FREE.items())
    return _exported(network, example, ({0: count, 1: FACTOR * rows, 2: FACTOR * columns}, {0: count}))


def _exported(network: nn.Module, example: tuple[Tensor, Tensor], dynamic_shapes: Any) -> Any:
    for name in ("onnx", "onnxscript"):
        package(name)
    with _without_remarks():
        program = torch.onnx.export(
            network.eval(),
            example,
            dynamo=True,
            dynamic_shapes=dynamic_shapes,
            input_names=["pixels", "styles"],
            output_names=["painted"],
            opset_version=OPSET,
            verbose=False,
        )
        model = program.model_proto  # type: ignore[union-attr]
    _lay_out_squares_at_once(model.graph)
    return model


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Without what the exporter has to say about itself: packages that it could serve too, names it does not need."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _lay_out_squares_at_once(graph: Any) -> None:
    """Puts DepthToSpace in place of a reshape, a transposition of six dimensions and a reshape.

    Measured with the shipped network on a processor: a twentieth of its time less.
    """
    from onnx import helper

    makers = {name: node for node in graph.node for name in node.output}
    shapes = {value.name: [size.dim_value for size in value.type.tensor_type.shape.dim] for value in graph.value_info}
    for turn in [node for node in graph.node if node.op_type == "Transpose"]:
        users = [node for node in graph.node if turn.output[0] in node.input]
        apart = makers.get(turn.input[0])
        permutation = [list(attribute.ints) for attribute in turn.attribute if attribute.name == "perm"]
        if permutation != [_SQUARES] or shapes.get(turn.input[0], [])[1:3] != [2, 2]:
            continue
        if apart is None or [apart.op_type, *(node.op_type for node in users)] != ["Reshape", "Reshape"]:
            continue
        ends = [apart.input[0]], [users[0].output[0]]
        at_once = helper.make_node("DepthToSpace", *ends, name=f"{turn.name}_at_once", blocksize=2, mode="DCR")
        graph.node.insert(list(graph.node).index(users[0]), at_once)
        graph.node.remove(users[0])
    _drop_unused(graph)


def _drop_unused(graph: Any) -> None:
    """Takes away nodes and constants that nothing uses any more, and what is said of their values."""
    for node in reversed(list(graph.node)):
        used = {name for other in graph.node for name in other.input} | {value.name for value in graph.output}
        if not used.intersection(node.output):
            graph.node.remove(node)
    used = {name for node in graph.node for name in (*node.input, *node.output)}
    for values in (graph.initializer, graph.value_info):
        for value in [value for value in values if value.name not in used]:
            values.remove(value)
