"""Graphs that are kept from one start to the next."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from banks import random_bank

from artem_vr.engines import graph_cache
from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.errors import ModelError
from artem_vr.styles import StyleBank

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), np.uint8)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTEM_VR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "graphs"


def paint(bank: StyleBank, precision: str = "f32", pixels: np.ndarray = PIXELS) -> np.ndarray:
    engine = OpenVinoEngine(bank, precision, threads=1)
    painted = engine.paint(pixels, np.repeat(bank.styles_SD[:1], len(pixels), axis=0)).copy()
    engine.close()
    return painted


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


def graphs(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/*.xml"))


def test_a_kept_graph_paints_exactly_as_a_new_one(cache: Path) -> None:
    bank = StyleBank.load()
    new = paint(bank)
    assert len(graphs(cache)) == 1
    assert np.array_equal(paint(bank), new)
    if _computes_in_int8():
        assert np.array_equal(paint(bank, "int8"), paint(bank, "int8"))
        assert len({path.parent for path in graphs(cache)}) == 2, "int8 is another graph"


def _computes_in_int8() -> bool:
    import openvino as ov

    return "INT8" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def test_with_a_kept_graph_torch_is_not_needed(bank: StyleBank, cache: Path) -> None:
    code = (
        "import pathlib, sys, numpy as np\n"
        "from artem_vr.app import open_engine\n"
        "from artem_vr.styles import StyleBank\n"
        "bank = StyleBank.load(pathlib.Path(sys.argv[1]))\n"
        "open_engine(bank, 'openvino').paint(np.zeros((1, 32, 32, 3), np.uint8), bank.styles_SD[:1])\n"
        "print('torch' in sys.modules)\n"
    )
    said = [
        subprocess.run([sys.executable, "-c", code, bank.path], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert [line.strip() for line in said] == ["True", "False"]


def test_graphs_belong_to_the_weights_the_shape_and_the_code(
    bank: StyleBank, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(bank)
    other = replace(bank, weights={name: weight * 1.01 for name, weight in bank.weights.items()})
    assert not np.array_equal(paint(other), paint(bank))
    assert len({path.parent for path in graphs(cache)}) == 2
    paint(bank, pixels=PIXELS[:1])  # as one of two
    assert len(graphs(cache)) == 2
    paint(bank, pixels=PIXELS[:, :-8])
    assert len(graphs(cache)) == 3
    monkeypatch.setattr(graph_cache, "_code", lambda: "another version")
    paint(bank)
    assert len(graphs(cache)) == 4


@pytest.mark.parametrize("spoil", ["xml", "bin", "empty"])
def test_a_damaged_graph_is_made_again(bank: StyleBank, cache: Path, spoil: str) -> None:
    new = paint(bank)
    [path] = graphs(cache)
    if spoil == "empty":
        path.write_text("")
    else:
        damaged = path.with_suffix(f".{spoil}")
        damaged.write_bytes(damaged.read_bytes()[:100])
    assert np.array_equal(paint(bank), new)
    assert np.array_equal(paint(bank), new)


def test_a_folder_that_cannot_be_written_costs_only_time(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTEM_VR_CACHE", os.devnull)
    assert np.array_equal(paint(bank), paint(bank))


def test_old_graphs_go(bank: StyleBank, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_cache, "KEPT", 2)
    for width in (32, 48, 64):
        paint(bank, pixels=np.zeros((1, 32, width, 3), np.uint8))
        [os.utime(path, (width, width)) for path in graphs(cache) if f"x{width}x" in path.name]
    assert [path.stem for path in graphs(cache)] == ["1x32x48x3", "1x32x64x3"]
    assert len(list(cache.glob("*/*.bin"))) == 2


def test_a_bank_whose_weights_do_not_fit_is_refused_on_opening(bank: StyleBank, cache: Path) -> None:
    paint(bank)
    name = next(iter(bank.weights))
    broken = replace(bank, weights={key: weight for key, weight in bank.weights.items() if key != name})
    with pytest.raises(ModelError, match="missing"):
        OpenVinoEngine(broken, "f32")
