"""ONNX graphs, each made once for a whole run of the tests: making one takes seconds."""

import hashlib
from typing import Any

import pytest
import torch

from artem_vr.engines import onnx_graph

_made: dict[bytes, Any] = {}


def share_graphs(patch: pytest.MonkeyPatch) -> None:
    """Engines that ask for the graph of the same weights and the same shape get the one made before."""
    make = onnx_graph.fixed_graph

    def remembered(network: torch.nn.Module, shape: tuple[int, ...], style_size: int) -> Any:
        digest = hashlib.sha256(f"{network} {shape} {style_size}".encode())
        for name, tensor in network.state_dict().items():
            digest.update(name.encode() + tensor.numpy().tobytes())
        key = digest.digest()
        if key not in _made:
            _made[key] = make(network, shape, style_size)
        return _made[key]

    patch.setattr(onnx_graph, "fixed_graph", remembered)
