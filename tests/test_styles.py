import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import STYLES, random_bank, tiny_recipe
from safetensors.numpy import load_file, save_file

from artem_vr import resources
from artem_vr.errors import ModelError, UsageError
from artem_vr.styles import FORMAT, IDENTITY, SHIPPED_BANKS, ModelCard, StyleBank, mix


@pytest.fixture
def bank(tmp_path: Path) -> StyleBank:
    return random_bank(tmp_path)


def rewrite(bank: StyleBank, **changes: object) -> Path:
    """The bank's file with other tensors (`tensors`), format or card (a dictionary of changed fields, or text)."""
    tensors = changes.get("tensors", load_file(bank.path))
    card = changes.get("card", {})
    text = card if isinstance(card, str) else json.dumps({**bank.card.model_dump(), **card})
    path = bank.path.with_name("changed.safetensors")
    save_file(tensors, path, {"format": str(changes.get("format", FORMAT)), "card": text})
    return path


def test_a_bank_comes_back_as_it_was_written(bank: StyleBank) -> None:
    again = StyleBank.load(bank.path)
    assert again.names == list(STYLES)
    assert again.card == bank.card
    shape = {"channels": 8, "deep_channels": 12, "blocks": 2, "shallow_blocks": 1, "tail_channels": 8}
    assert again.card.network == {"kind": "compact", **shape}
    assert again.styles_SD.dtype == np.float32
    assert np.array_equal(again.styles_SD, load_file(bank.path)["styles"])
    assert again.weights.keys() == {key.removeprefix("network.") for key in load_file(bank.path)} - {"styles"}
    assert all(np.array_equal(again.weights[name], bank.weights[name]) for name in bank.weights)


def write_torch_pickle(path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def write_old_torch_pickle(path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weight": [0.0] * 100}))


def write_other_safetensors(path: Path) -> None:
    save_file({"conv.weight": np.zeros((3, 3), np.float32)}, path)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "there is no model"),
    "torch pickle": (write_torch_pickle, "is a pickle"),
    "old torch pickle": (write_old_torch_pickle, "is a pickle"),
    "pickle": (write_pickle, "is a pickle"),
    "empty": (lambda path: path.touch(), "corrupt or not a safetensors file"),
    "text": (lambda path: path.write_text("a model, honestly\n" * 9), "corrupt or not a safetensors file"),
    "noise": (lambda path: path.write_bytes(bytes(range(7, 250)) * 9), "corrupt or not a safetensors file"),
    "a folder": (lambda path: path.mkdir(), "cannot read the model"),
    "another safetensors": (write_other_safetensors, "is not an Art'Em VR bank"),
}


@pytest.mark.parametrize(("write", "says"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_is_no_bank(tmp_path: Path, write: Callable[[Path], object], says: str) -> None:
    path = tmp_path / "model.safetensors"
    write(path)
    with pytest.raises(ModelError, match=says) as error:
        StyleBank.load(path)
    assert "\n" not in str(error.value)
    assert "model.safetensors" in str(error.value)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match="is a pickle"):
        StyleBank.load(tmp_path / "model.safetensors")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("keep", [4, 60, 0.5, 0.999])
def test_a_truncated_file(bank: StyleBank, keep: float) -> None:
    whole = bank.path.read_bytes()
    bank.path.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    with pytest.raises(ModelError, match="corrupt or not a safetensors file"):
        StyleBank.load(bank.path)


def test_a_header_of_any_length_is_no_pickle(bank: StyleBank) -> None:
    """The first byte of a file is the low byte of its header's length: 0x80, where a pickle starts, for one in 32."""
    firsts = set()
    for length in range(0, 256, 8):
        path = rewrite(bank, card={"description": "x" * length})
        firsts.add(path.read_bytes()[0])
        assert StyleBank.load(path).names == list(STYLES)
    assert 0x80 in firsts


def test_cards_that_are_wrong(bank: StyleBank) -> None:
    def says(text: str, **changes: object) -> None:
        with pytest.raises(ModelError, match=text) as error:
            StyleBank.load(rewrite(bank, **changes))
        assert "\n" not in str(error.value)

    tensors = load_file(bank.path)
    says("not an Art'Em VR bank", format="artem-vr-bank-99")
    says("no valid model card", card="{")
    says("no valid model card", card="[]")
    says("no valid model card", card={"styles": "many"})
    says("no valid model card", card={"steps": None})
    says("no valid model card or no styles", tensors={k: v for k, v in tensors.items() if k != "styles"})
    says("card names 2 styles", card={"styles": [card.model_dump() for card in bank.card.styles[:2]]})
    says("the file holds", tensors={**tensors, "styles": tensors["styles"][0]})
    says("card names 0 styles", card={"styles": []}, tensors={**tensors, "styles": tensors["styles"][:0]})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["styles", "network.paint.weight"])
def test_numbers_that_are_not_finite(bank: StyleBank, name: str, value: float) -> None:
    tensors = load_file(bank.path)
    tensors[name].flat[-1] = value
    with pytest.raises(ModelError, match="not finite"):
        StyleBank.load(rewrite(bank, tensors=tensors))


def test_an_unknown_style_offers_the_nearest(bank: StyleBank) -> None:
    with pytest.raises(UsageError, match="unknown style 'gren': did you mean green"):
        bank.vector("gren")
    with pytest.raises(UsageError, match="unknown style 'Bleu': did you mean blue"):
        bank.vector("Bleu")
    with pytest.raises(UsageError, match="unknown style 'xyz': choose from red, green, blue, original"):
        bank.index("xyz")
    with pytest.raises(UsageError, match="did you mean original"):
        bank.vector("orignal")


def test_vectors_by_name(bank: StyleBank) -> None:
    for index, name in enumerate(STYLES):
        assert bank.index(name) == index
        assert np.array_equal(bank.vector(name), bank.styles_SD[index])
    identity = bank.vector(IDENTITY)
    assert identity[0] == 1
    assert not identity[1:].any()
    assert identity.dtype == np.float32


def test_a_johnson_bank_has_no_identity(tmp_path: Path) -> None:
    bank = random_bank(tmp_path, tiny_recipe(kind="johnson"))
    with pytest.raises(UsageError, match="johnson network has no identity"):
        bank.vector(IDENTITY)


def test_mix_is_the_weighted_mean() -> None:
    vectors = np.array([[1, 0, 2], [3, 4, 0]], np.float32)
    assert np.allclose(mix(vectors, np.array([1.0, 3.0])), [2.5, 3.0, 0.5])
    assert np.array_equal(mix(vectors, np.array([0.0, 2.0])), vectors[1])
    assert mix(vectors, np.array([0.2, 0.2])).dtype == np.float32


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -2.0], [np.nan, 1.0]])
def test_weights_that_make_no_mean(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="more than zero"):
        mix(np.ones((2, 3), np.float32), np.array(weights))


def test_the_card_survives_json() -> None:
    card = ModelCard(
        name="n", network={"kind": "compact"}, styles=[], data="d", steps=1, pictures_seen=4,
        losses={"style": 4.0}, validation={"total": 0.5}, licence="MIT",
    )  # fmt: skip
    assert ModelCard.model_validate_json(card.model_dump_json()) == card


@pytest.mark.parametrize("name", SHIPPED_BANKS)
def test_a_shipped_bank_goes_by_its_name(name: str) -> None:
    bank = StyleBank.load(Path(name))
    assert bank.path == resources.models() / f"{name}.safetensors"
    assert bank.names


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bank").write_bytes(b"no bank")
    with pytest.raises(ModelError, match="bank is corrupt"):
        StyleBank.load(Path("bank"))
    assert StyleBank.load().path == resources.models() / "bank.safetensors", "nobody named it"
