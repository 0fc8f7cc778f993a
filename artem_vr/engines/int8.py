"""Convolutions in eight bits: OpenVINO's graph is told where to round, and its runtime turns that into int8 arithmetic.

What goes into a convolution is rounded to one of 256 levels between two bounds that a calibration found, its weights,
for every output channel, to whole parts of their largest. A bank holds the bounds (`StyleBank.ranges`) of those
convolutions that may be rounded; any other computes as it did.

Bounds are in the units of the *torch module's* input, so that they say the same to every engine. A graph may hold the
weights rearranged and scaled: the compact network's stem looks at bytes as they lie in memory, with weights of a 255th.
What it is given is then larger by as much as its weights are smaller, and so are the bounds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as operators
from torch import nn

from artem_vr.errors import EngineError
from artem_vr.nets.compact import SquareConvolution, evened

LEVELS = 256
WEIGHT_LEVELS = 255  # one fewer, so that zero is in the middle
_CONVOLUTIONS = {"Convolution", "GroupConvolution"}
_MOVERS = {"Pad", "Reshape", "Transpose"}
_SAME = 1e-3
_LEAST = 1e-9

Ranges = Mapping[str, tuple[float, float]]


def round_convolutions(model: Any, network: nn.Module, ranges: Ranges) -> None:
    """Changes OpenVINO's graph of a bank's network: the convolutions that `ranges` names are rounded to eight bits.

    ranges: lower and upper bound of a convolution's input by the name of the torch module. Raises `EngineError` when
    the graph's convolutions are not the network's.
    """
    for name, node, factor in matched(model, network):
        if name in ranges:
            low, high = ranges[name]
            _round_input(node, low * factor, high * factor)
            _round_weights(node)
    model.validate_nodes_and_infer_types()


def matched(model: Any, network: nn.Module) -> list[tuple[str, Any, float]]:
    """The network's convolutions in the graph: each one's name, its node, and how much larger its input is there.

    Both are in the order in which they run. Raises `EngineError` when they differ in number or in the sizes of weights.
    """
    modules = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() in _CONVOLUTIONS]
    if len(modules) != len(nodes):
        raise _unknown(f"{len(nodes)} convolutions instead of {len(modules)}")
    return [(name, node, _factor(name, module, node)) for (name, module), node in zip(modules, nodes, strict=True)]


def weight_bounds(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between which -b and b the weights (O, ...) of each output channel are rounded to WEIGHT_LEVELS: b (O, 1, ...).

    It is twice the largest, which leaves seven bits. Processors without the instructions for it (VNNI) add products in
    pairs and in sixteen bits, where eight would overflow: the pictures would be others there, and worse than with seven
    (measured: 3.0 levels of 255 off in the mean instead of 1.8; where they do not overflow, eight come to 1.7).
    """
    largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
    return np.asarray(2 * np.maximum(largest, _LEAST), np.float32)


def _factor(name: str, module: nn.Conv2d, node: Any) -> float:
    weight = evened(module.weight) if isinstance(module, SquareConvolution) else module.weight
    wanted = np.sort(np.abs(weight.detach().numpy()).ravel())
    found = np.sort(np.abs(_constant(node.input_value(1))).ravel())
    if wanted.size == found.size:
        factor = float(wanted[-1] / found[-1]) if found[-1] > 0 else 1.0
        if np.allclose(found * factor, wanted, rtol=_SAME, atol=_SAME * wanted[-1]):
            return factor
    raise _unknown(f"other weights where {name} is expected")


def _unknown(what: str) -> EngineError:
    return EngineError(
        f"OpenVINO {ov.__version__.split('-')[0]} made {what} of this network, so that it cannot run in int8: "
        "choose precision auto"
    )


def _constant(output: Any) -> NDArray[np.float32]:
    node = output.get_node()
    if node.get_type_name() != "Constant":
        raise _unknown("weights that are computed")
    return np.asarray(node.data, np.float32)


def _round_input(node: Any, low: float, high: float) -> None:
    # Where pixels are only moved between a layer and the convolution, bytes are moved faster than floats.
    *_, entry = _entries(node)
    bounds = [operators.constant(np.float32(bound)) for bound in (low, high)]
    rounded = operators.fake_quantize(entry.get_source_output(), *bounds, *bounds, LEVELS)
    entry.replace_source_output(rounded.output(0))


def _entries(node: Any) -> Iterator[Any]:
    """Where the node's input could be rounded: before the node itself, and before all that only moves it there."""
    entry = node.input(0)
    yield entry
    mover = entry.get_source_output().get_node()
    while mover.get_type_name() in _MOVERS and len(mover.output(0).get_target_inputs()) == 1:
        entry = mover.input(0)
        yield entry
        mover = entry.get_source_output().get_node()


def _round_weights(node: Any) -> None:
    weight = _constant(node.input_value(1))
    bounds = weight_bounds(weight)
    limits = [operators.constant(limit) for limit in (-bounds, bounds)]
    rounded = operators.fake_quantize(operators.constant(weight), *limits, *limits, WEIGHT_LEVELS)
    node.input(1).replace_source_output(rounded.output(0))
