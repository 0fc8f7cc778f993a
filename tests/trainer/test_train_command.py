from pathlib import Path

import pytest
from miniature import Miniature, train_until

from artem_vr.errors import UsageError
from artem_vr.styles import StyleBank
from trainer.command import train


def test_a_recipe_becomes_a_bank(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    path = train(miniature.recipe_path, {"steps": "3"}, miniature.folder / "run", resume=False)
    assert path == miniature.folder / "run" / "miniature.safetensors"
    bank = StyleBank.load(path)
    assert bank.names == ["stripes", "dots"]
    assert bank.card.steps == 3
    assert bank.card.pictures_seen == 9
    assert bank.card.validation["total"] > 0
    assert "miniature.safetensors" in capsys.readouterr().out.replace("\n", "")


def test_a_run_is_not_overwritten_but_resumed(miniature: Miniature) -> None:
    folder = miniature.folder / "run"
    train_until(miniature.run("run"), 2)
    before = (folder / "checkpoint.safetensors").read_bytes()
    with pytest.raises(UsageError, match="holds a run already: add --resume"):
        train(miniature.recipe_path, {}, folder, resume=False)
    assert (folder / "checkpoint.safetensors").read_bytes() == before
    assert StyleBank.load(train(miniature.recipe_path, {}, folder, resume=True)).card.steps == 6


def test_the_run_is_named_by_the_recipe(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(miniature.folder)
    assert train(Path("recipe.toml"), {"steps": "1"}, None, resume=False) == Path(
        "runs/miniature/miniature.safetensors"
    )


def test_the_root_is_beside_the_recipe_unless_it_is_set(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = miniature.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    one = train(miniature.recipe_path, {"steps": "1"}, Path("one"), resume=False)
    two = train(miniature.recipe_path, {"steps": "1", "data.root": "../data"}, Path("two"), resume=False)
    assert one.is_file() and two.is_file()


@pytest.mark.parametrize("resume", [False, True])
def test_a_bad_recipe_leaves_nothing(miniature: Miniature, resume: bool) -> None:
    with pytest.raises(UsageError, match="unknown key"):
        train(miniature.recipe_path, {"setps": "1"}, miniature.folder / "run", resume)
    assert not (miniature.folder / "run").exists()
