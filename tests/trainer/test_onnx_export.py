import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from banks import picture, random_bank

from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError, UsageError
from artem_vr.styles import StyleBank
from trainer import onnx_export
from trainer.onnx_export import Exported, export_onnx


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def exported(bank: StyleBank, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_onnx(bank, tmp_path_factory.mktemp("onnx") / "tiny.onnx")


@pytest.mark.parametrize(("count", "height", "width"), [(1, 16, 16), (2, 96, 64), (5, 24, 120)])
def test_paints_what_the_reference_paints(
    bank: StyleBank, exported: Exported, count: int, height: int, width: int
) -> None:
    pixels = np.stack([picture(height, width, seed) for seed in range(count)])
    styles = bank.styles_SD[np.arange(count) % len(bank.styles_SD)]
    session = onnxruntime.InferenceSession(str(exported.path), providers=["CPUExecutionProvider"])
    painted = session.run(["painted"], {"pixels": pixels, "styles": styles})[0]
    assert painted.dtype == np.uint8
    expected = TorchEngine(bank).paint(pixels, styles)
    assert np.abs(painted.astype(int) - expected).max() <= 1
    assert expected.std() > 5


def test_the_file_is_valid_and_holds_the_card(bank: StyleBank, exported: Exported) -> None:
    model = onnx.load(exported.path)
    onnx.checker.check_model(model)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["format"] == "artem-vr-onnx-1"
    assert [style["name"] for style in json.loads(metadata["card"])["styles"]] == bank.names
    assert [item.name for item in exported.path.parent.iterdir()] == ["tiny.onnx"]


def test_what_differs_is_not_written(bank: StyleBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "_converted", lambda network, styles: onnx.ModelProto())
    monkeypatch.setattr(onnx_export, "_compare", lambda network, data, styles: (3.0, 90))
    with pytest.raises(EngineError, match=r"another picture than PyTorch \(3\.00 levels .* 90 at most\)") as error:
        export_onnx(bank, tmp_path / "wrong.onnx")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(bank: StyleBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"onnxruntime is missing: pip install 'artem-vr\[onnx\]'"):
        export_onnx(bank, tmp_path / "x.onnx")


def test_the_comparison_sees_a_difference(bank: StyleBank, exported: Exported) -> None:
    network = onnx_export.fast_bytes_network(onnx_export.load_network(bank))
    data = exported.path.read_bytes()
    assert onnx_export._compare(network, data, bank.styles_SD)[1] <= 1
    network.stem *= 0.5
    network.network.paint.weight *= -1
    assert onnx_export._compare(network, data, bank.styles_SD)[0] > 1
