import hashlib
from typing import Any

import pytest
import torch

from artem_vr.engines import onnx_graph


@pytest.fixture(scope="session")
def made_graphs() -> dict[bytes, Any]:
    return {}


@pytest.fixture(autouse=True)
def _each_graph_is_made_once(made_graphs: dict[bytes, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a graph takes seconds. Engines of different tests that ask for the same one get the one made before."""
    make = onnx_graph.fixed_graph

    def remembered(network: torch.nn.Module, shape: tuple[int, ...], style_size: int) -> Any:
        digest = hashlib.sha256(f"{network} {shape} {style_size}".encode())
        for name, tensor in network.state_dict().items():
            digest.update(name.encode() + tensor.numpy().tobytes())
        key = digest.digest()
        if key not in made_graphs:
            made_graphs[key] = make(network, shape, style_size)
        return made_graphs[key]

    monkeypatch.setattr(onnx_graph, "fixed_graph", remembered)
