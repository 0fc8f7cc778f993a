"""The ONNX graph that engines run, and how it is kept from one start to the next."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from banks import picture, random_bank

from artem_vr.engines import graph_cache, onnx_graph
from artem_vr.engines.loading import load_network
from artem_vr.engines.onnx_graph import network_on_bytes
from artem_vr.engines.onnxruntime import OnnxRuntimeEngine
from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.styles import StyleBank

PIXELS = np.stack([picture(64, 48, seed) for seed in range(2)])  # of a size that other tests make graphs for, too


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTEM_VR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "graphs"


def paint(bank: StyleBank, pixels: np.ndarray = PIXELS) -> np.ndarray:
    engine = OnnxRuntimeEngine(bank, "cpu", threads=1)
    painted: np.ndarray = engine.paint(pixels, np.repeat(bank.styles_SD[:1], len(pixels), axis=0))
    engine.close()
    return painted


def graphs(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/*.onnx"))


def test_the_graph_is_valid_and_has_nothing_that_is_not_used(bank: StyleBank) -> None:
    network = network_on_bytes(load_network(bank), "f32", True)
    model = onnx_graph.fixed_graph(network, PIXELS.shape, bank.styles_SD.shape[1])
    onnx.checker.check_model(model, full_check=True)
    graph = model.graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["pixels", "styles", "painted"]
    used = {name for node in graph.node for name in node.input} | {"painted"}
    assert not [tensor.name for tensor in graph.initializer if tensor.name not in used]
    assert not [node.name for node in graph.node if not used.intersection(node.output)]
    # Squares are laid out by one operator each, and not by moving six dimensions about.
    assert sum(node.op_type == "DepthToSpace" for node in graph.node) == 2
    turns = [attribute.ints for node in graph.node if node.op_type == "Transpose" for attribute in node.attribute]
    assert all(len(permutation) < 6 for permutation in turns)


def test_with_a_kept_graph_neither_torch_nor_onnx_is_needed(bank: StyleBank, cache: Path) -> None:
    code = (
        "import pathlib, sys, numpy as np\n"
        "from artem_vr.engines.onnxruntime import OnnxRuntimeEngine\n"
        "from artem_vr.styles import StyleBank\n"
        "bank = StyleBank.load(pathlib.Path(sys.argv[1]))\n"
        "painted = OnnxRuntimeEngine(bank, 'cpu').paint(np.zeros((1, 32, 32, 3), np.uint8), bank.styles_SD[:1])\n"
        "print(*(name for name in ('torch', 'onnx', 'onnxscript', 'openvino') if name in sys.modules), painted.sum())\n"
    )
    new, kept = (
        subprocess.run([sys.executable, "-c", code, bank.path], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert new.split()[:3] == ["torch", "onnx", "onnxscript"]
    assert kept.split() == new.split()[-1:]


def test_graphs_belong_to_the_weights_the_shape_the_code_and_the_runtime(
    bank: StyleBank, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = paint(bank)
    assert np.array_equal(paint(bank), new)
    assert len(graphs(cache)) == 1
    other = replace(bank, weights={name: weight * 1.01 for name, weight in bank.weights.items()})
    assert not np.array_equal(paint(other), new)
    assert len({path.parent for path in graphs(cache)}) == 2
    paint(bank, PIXELS[:1])
    assert len(graphs(cache)) == 3
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime, "__version__", "99.0")
        paint(bank)
    assert len(graphs(cache)) == 4
    monkeypatch.setattr(graph_cache, "_code", lambda: "another version")
    paint(bank)
    assert len(graphs(cache)) == 5


@pytest.mark.parametrize("damage", ["cut", "empty", "another shape"])
def test_a_damaged_graph_is_made_again(bank: StyleBank, cache: Path, damage: str) -> None:
    new = paint(bank)
    [path] = graphs(cache)
    good = path.read_bytes()
    if damage == "another shape":
        paint(bank, PIXELS[:1])
        path.write_bytes(next(other for other in graphs(cache) if other != path).read_bytes())
    else:
        path.write_bytes(good[: 1000 if damage == "cut" else 0])
    assert np.array_equal(paint(bank), new)
    assert len(path.read_bytes()) == len(good)


def test_a_folder_that_cannot_be_written_costs_only_time(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTEM_VR_CACHE", os.devnull)
    assert np.array_equal(paint(bank), paint(bank))


def test_old_graphs_of_either_runtime_go(bank: StyleBank, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_cache, "KEPT", 2)
    OpenVinoEngine(bank, "f32", threads=1).paint(PIXELS, bank.styles_SD[:2])
    [kept] = cache.glob("*/*.xml")
    os.utime(kept, (1, 1))
    paint(bank)
    assert kept.exists()
    paint(bank, PIXELS[:1])
    assert not kept.parent.exists()
    assert [path.name for path in graphs(cache)] == ["1x64x48x3.onnx", "2x64x48x3.onnx"]
