from pathlib import Path

import numpy as np
import pytest
import torch
from banks import tiny_recipe

from artem_vr.engines.loading import load_network
from artem_vr.errors import UsageError
from artem_vr.styles import StyleBank
from trainer.bank import Bank
from trainer.export import export, model_card
from trainer.recipe import Recipe


@pytest.mark.parametrize("kind", ["compact", "johnson"])
def test_the_file_paints_what_the_trainer_painted(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    recipe = tiny_recipe(kind=kind)
    bank = Bank(recipe)
    bank.to(memory_format=torch.channels_last)
    with torch.no_grad():
        bank.styles_SD += 0.3 * torch.randn_like(bank.styles_SD)
    path = tmp_path / "new" / "folder" / "tiny.safetensors"
    export(bank, model_card(recipe, 7, {"total": 0.1234567}), path)

    loaded = StyleBank.load(path)
    batch, indices = torch.rand(3, 3, 32, 40), torch.tensor([2, 0, 1])
    with torch.no_grad():
        for weight in bank.network.parameters():
            weight.copy_(weight.half())  # as fine as the file holds them
        expected = bank(batch, indices)
        painted = load_network(loaded)(batch, torch.from_numpy(loaded.styles_SD[indices.numpy()]))
    assert torch.allclose(painted, expected, atol=1e-5)
    assert np.array_equal(loaded.styles_SD, bank.styles_SD.detach().numpy())
    assert [item.name for item in path.parent.iterdir()] == ["tiny.safetensors"]


def test_the_card_says_what_it_was_made_of(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    card = model_card(recipe, 7, {"total": 0.1234567})
    assert card.name == "tiny"
    shape = {"channels": 8, "deep_channels": 12, "blocks": 2, "shallow_blocks": 1, "tail_channels": 8}
    assert card.network == {"kind": "compact", **shape}
    first = card.styles[0]
    assert (first.name, first.artist, first.year) == ("red", "A Test", "2024")
    assert card.data == "made by the tests"
    assert (card.steps, card.pictures_seen) == (7, 7 * recipe.batch)
    assert card.losses["style"] == recipe.losses.style
    assert card.validation == {"total": 0.12346}
    assert "MIT" in card.licence


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe: Recipe = tiny_recipe()
    path = tmp_path / "tiny.safetensors"
    export(Bank(recipe), model_card(recipe, 1, {}), path)
    old = path.read_bytes()

    def disk_full(temporary: Path, data: bytes) -> None:
        with temporary.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(UsageError, match=r"cannot write the bank .*No space left"):
        export(Bank(recipe), model_card(recipe, 2, {}), path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_everybody_may_read_the_file(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    export(Bank(recipe), model_card(recipe, 1, {}), tmp_path / "tiny.safetensors")
    (tmp_path / "ordinary").touch()
    assert (tmp_path / "tiny.safetensors").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_card_counts_the_steps_of_the_bank_it_began_from() -> None:
    recipe = tiny_recipe()
    first = model_card(recipe, 10, {})
    second = model_card(recipe.model_copy(update={"name": "more"}), 5, {}, first)
    assert (second.steps, second.pictures_seen) == (15, 15 * recipe.batch)
    assert "10 steps of the recipe tiny, then 5 of more" in second.description
