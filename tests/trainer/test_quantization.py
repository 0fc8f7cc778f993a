import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import STYLES, picture, random_bank, tiny_recipe
from PIL import Image
from safetensors.numpy import load_file, save_file

from artem_vr.engines.loading import load_network
from artem_vr.engines.openvino import OpenVinoEngine
from artem_vr.engines.torch import TorchEngine
from artem_vr.errors import EngineError, ModelError, UsageError
from artem_vr.styles import FORMAT, StyleBank
from trainer import quantization
from trainer.quantization import Quantized, quantize, quantized

pytest.importorskip("nncf")
LAYERS = ["stem", "descend", *(f"deep.{i}" for i in range(4)), "ascend", "shallow.0", "shallow.1", "rise", "paint"]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> StyleBank:
    return random_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(24):
        Image.fromarray(picture(60, 80 + number, number)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def made(bank: StyleBank, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Quantized, Path, list[int]]:
    path, told = tmp_path_factory.mktemp("int8") / "new" / "bank.safetensors", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantization, "HEIGHT", 48)
        patch.setattr(quantization, "WIDTH", 64)
        found = quantize(
            bank.path, path, photos, count=6, seed=1, progress=lambda done, total: told.extend([done, total])
        )
    return found, path, told


def test_the_file_is_the_same_bank_with_ranges(bank: StyleBank, made: tuple[Quantized, Path, list[int]]) -> None:
    found, path, _ = made
    again = StyleBank.load(path)
    assert list(found.ranges) == LAYERS
    assert again.ranges == {name: tuple(np.float32(pair).tolist()) for name, pair in found.ranges.items()}
    assert found.left_out == ()
    assert all(np.array_equal(again.weights[name], weight) for name, weight in bank.weights.items())
    assert again.weights.keys() == bank.weights.keys()
    assert np.array_equal(again.styles_SD, bank.styles_SD)
    assert again.fingerprint == bank.fingerprint  # styles that were added to the one fit the other
    assert again.card.description == f"{bank.card.description} Calibrated for int8 on 6 photographs."
    assert again.card.model_copy(update={"description": ""}) == bank.card.model_copy(update={"description": ""})
    assert [item.name for item in path.parent.iterdir()] == ["bank.safetensors"]


def test_the_ranges_hold_what_comes(bank: StyleBank, made: tuple[Quantized, Path, list[int]]) -> None:
    ranges = made[0].ranges
    assert ranges["stem"] == (-0.5, 0.5)  # all bytes, each a level
    for name, (low, high) in ranges.items():
        if name != "stem":
            zero = -low / (high - low) * 255
            assert abs(zero - round(zero)) < 1e-3
    # What follows a leaky ReLU has little below zero.
    assert -0.3 < ranges["paint"][0] / ranges["paint"][1] < 0
    assert -2 < ranges["deep.0"][0] / ranges["deep.0"][1] < -0.5
    seen = {}
    network = load_network(bank)
    for name in LAYERS:
        network.get_submodule(name).register_forward_pre_hook(
            lambda module, args, name=name: seen.update({name: (float(args[0].min()), float(args[0].max()))})
        )
    with torch.inference_mode():
        network(torch.from_numpy(picture(48, 64, 3)).permute(2, 0, 1)[None] / 255, torch.from_numpy(bank.styles_SD[:1]))
    for name, (low, high) in ranges.items():
        if name != "stem":
            assert 0.4 < (high - low) / (seen[name][1] - seen[name][0]) < 2.5, name


def test_the_report_says_how_far_off_it_is(bank: StyleBank, made: tuple[Quantized, Path, list[int]]) -> None:
    found, path, _ = made
    assert 0 < found.mean_levels < 1
    assert found.mean_levels < found.most_levels <= quantization.BEARABLE
    pixels = picture(48, 64, 9)[None]
    engine = OpenVinoEngine(StyleBank.load(path), "int8", threads=1)
    apart = np.abs(
        engine.paint(pixels, bank.styles_SD[:1]).astype(int) - TorchEngine(bank).paint(pixels, bank.styles_SD[:1])
    )
    engine.close()
    assert apart.mean() < found.mean_levels + 0.9  # what is not a convolution may be in bfloat16


def test_progress_goes_up_to_the_end(made: tuple[Quantized, Path, list[int]]) -> None:
    done, totals = made[2][::2], made[2][1::2]
    assert done == sorted(done)
    assert set(totals) == {6 + len(LAYERS)}
    assert done[-1] == totals[-1]


def pictures(count: int) -> list[np.ndarray]:
    return [picture(32, 40, seed) for seed in range(count)]


def test_what_bears_no_rounding_is_left_out(bank: StyleBank, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"descend", "rise"}
    monkeypatch.setattr(quantization, "rounded", lambda network, ranges: set(ranges))
    monkeypatch.setattr(quantization, "_painted", lambda network, pairs: network if isinstance(network, set) else set())
    monkeypatch.setattr(quantization, "_apart", lambda painted, exact: (1.0, 99.0 if painted & bad else 2.0))
    found = quantized(bank, pictures(2), pictures(1))
    assert found.left_out == ("descend", "rise")
    assert list(found.ranges) == [name for name in LAYERS if name not in bad]
    assert found.most_levels == 2.0
    bad |= set(LAYERS)
    with pytest.raises(EngineError, match="bears eight bits"):
        quantized(bank, pictures(2), pictures(1))


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_a_johnson_bank(tmp_path: Path, upsampling: str) -> None:
    recipe = tiny_recipe(kind="johnson")
    network = recipe.network.model_copy(update={"upsampling": upsampling})
    bank = random_bank(tmp_path, recipe.model_copy(update={"network": network}))
    found = quantized(bank, pictures(3), pictures(2))
    ups = {f"up.{index}" for index in range(2)}
    assert ups <= found.ranges.keys() or upsampling == "transposed"  # what rises by transposing stays as it is
    assert {"down.0", "residual.0", "paint"} <= found.ranges.keys()
    assert found.mean_levels < 3


def test_styles_that_were_added_stay_in_their_files(
    bank: StyleBank, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = bank.card.styles[-1].model_copy(update={"name": "mine"})
    more = replace(
        bank,
        card=bank.card.model_copy(update={"styles": [*bank.card.styles, last]}),
        styles_SD=np.concatenate([bank.styles_SD, bank.styles_SD[-1:]]),
        added=1,
    )
    monkeypatch.setattr(StyleBank, "load", classmethod(lambda cls, path=None: more))
    given = []
    monkeypatch.setattr(
        quantization,
        "quantized",
        lambda bank, *rest: given.append(len(bank.styles_SD)) or Quantized({"stem": (-0.5, 0.5)}, (), 0.1, 1.0),
    )
    quantize(bank.path, tmp_path / "new.safetensors", photos, count=1)
    assert given == [len(STYLES) + 1]
    assert load_file(tmp_path / "new.safetensors")["styles"].shape[0] == len(STYLES)


def test_nncf_is_quiet(bank: StyleBank, capfd: pytest.CaptureFixture[str]) -> None:
    quantized(bank, pictures(1), pictures(1), lambda done, total: print(done) if done == total else None)
    assert capfd.readouterr().out == f"{1 + len(LAYERS)}\n"


def test_requests_that_make_no_sense(bank: StyleBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot calibrate on 0 photographs"):
        quantize(bank.path, tmp_path / "x.safetensors", tmp_path, count=0)
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(UsageError, match=r"nncf is missing: pip install 'artem-vr\[int8\]'"):
        quantize(bank.path, tmp_path / "x.safetensors", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pair", [[1.0, 1.0], [2.0, 1.0], [0.0], [[0.0, 1.0]]])
def test_a_range_that_is_none(bank: StyleBank, tmp_path: Path, pair: list[float]) -> None:
    tensors = {**load_file(bank.path), "int8.stem": np.array(pair, np.float32)}
    save_file(tensors, tmp_path / "bad.safetensors", {"format": FORMAT, "card": bank.card.model_dump_json()})
    with pytest.raises(ModelError, match=r"int8\.stem is no lower and upper bound") as error:
        StyleBank.load(tmp_path / "bad.safetensors")
    assert "\n" not in str(error.value)


def test_tensors_of_another_name_are_refused(bank: StyleBank, tmp_path: Path) -> None:
    tensors = {**load_file(bank.path), "int9.stem": np.zeros(2, np.float32)}
    save_file(tensors, tmp_path / "bad.safetensors", {"format": FORMAT, "card": bank.card.model_dump_json()})
    with pytest.raises(ModelError, match=r"int9\.stem belongs to no layer"):
        load_network(StyleBank.load(tmp_path / "bad.safetensors"))
