"""Adding a style to a finished bank: the network stays, a vector comes, and nothing is left when it does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import picture, random_bank, tiny_recipe
from command_line import CommandLine
from miniature import Miniature
from PIL import Image
from safetensors import safe_open

import trainer.adding
from artem_vr.added_styles import AddedStyles
from artem_vr.errors import EngineError, InputError, UsageError
from artem_vr.styles import StyleBank
from trainer.adding import NewStyle, add_style
from trainer.data.crops import Photos
from trainer.objective import Objective
from trainer.trained import TrainedBank
from trainer.vector import VectorTraining


def no_scene(folder: Path) -> None:
    pytest.fail("the scene was drawn, though there are photographs")


def quiet(done: int, of: int) -> None:
    pass


@pytest.fixture
def wanted(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> NewStyle:
    """A request that is right in everything, on the miniature's recipe."""
    monkeypatch.setattr(trainer.adding, "recipe_and_root", lambda: (miniature.recipe(), miniature.root))
    bank = random_bank(miniature.folder, tiny_recipe(channels=4, blocks=1))
    return NewStyle(miniature.root / "paintings" / "dots.png", "mine", bank=bank.path, steps=3, short_side=64)


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_style_is_added_beside_the_bank_and_is_there_at_once(wanted: NewStyle) -> None:
    assert wanted.bank is not None
    before = wanted.bank.read_bytes()
    seen: list[tuple[int, int]] = []
    added = add_style(replace(wanted, artist="A Friend", year="1901"), lambda *step: seen.append(step), no_scene)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert wanted.bank.read_bytes() == before
    assert added.path == wanted.bank.with_name("tiny-styles") / "mine.safetensors"
    assert {path.name for path in added.path.parent.iterdir()} == {"mine.safetensors", "mine.png"}
    assert added.live and added.losses["style"] > 0
    bank = StyleBank.load(wanted.bank)
    assert bank.names == ["red", "green", "blue", "mine"]
    card = bank.card.styles[-1]
    assert (card.title, card.artist, card.year, card.painting, card.short_side) == (
        "dots", "A Friend", "1901", "dots.png", 64,
    )  # fmt: skip
    distances = np.abs(bank.styles_SD[:3] - bank.vector("mine")).max(axis=1)
    assert np.isfinite(bank.vector("mine")).all() and (distances > 0.01).all()
    assert added.path.stat().st_mode & 0o444 == 0o444


@pytest.mark.usefixtures("shown_in_full")
def test_the_contact_sheet_shows_photographs_and_the_painting(wanted: NewStyle) -> None:
    added = add_style(wanted, quiet, no_scene)
    sheet = np.asarray(Image.open(added.sheet))
    assert sheet.shape == (4 * 256, 2 * 256, 3)
    assert all(sheet[256 * row : 256 * row + 256, 256:].std() > 3 for row in range(4))


def test_the_file_says_how_it_came_about(wanted: NewStyle) -> None:
    with safe_open(add_style(wanted, quiet, no_scene).path, "numpy") as file:
        metadata = file.metadata()
    assert metadata["format"] == "artem-vr-styles-1"
    assert '"steps": 3' in metadata["training"] and "the recipe's photographs" in metadata["training"]
    assert str(wanted.painting.parent) not in str(metadata), "a folder's name is nobody's business"


def test_photographs_of_ones_own_or_pictures_of_the_scene(wanted: NewStyle, miniature: Miniature) -> None:
    own = miniature.folder / "holidays"
    (miniature.root / "photos").rename(own)
    assert add_style(replace(wanted, photos=own), quiet, no_scene).photographs == "the photographs in holidays"
    drawn: list[Path] = []

    def scene(folder: Path) -> None:
        drawn.append(folder)
        for number in range(20):
            Image.fromarray(picture(40, 52, number)).save(folder / f"{number}.png")

    again = add_style(replace(wanted, name="other"), quiet, scene)
    assert again.photographs == "pictures of the built-in scene"
    assert drawn and not drawn[0].exists()


def test_another_file_is_not_live(wanted: NewStyle, tmp_path: Path) -> None:
    added = add_style(replace(wanted, output=tmp_path / "elsewhere" / "x.safetensors"), quiet, no_scene)
    assert not added.live and added.path.is_file()
    assert StyleBank.load(wanted.bank).names == ["red", "green", "blue"]


def test_an_added_style_is_replaced_only_on_demand(wanted: NewStyle) -> None:
    path = add_style(wanted, quiet, no_scene).path
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"there is a style 'mine' already: .* --replace"):
        add_style(wanted, quiet, no_scene)
    assert path.read_bytes() == before
    add_style(replace(wanted, painting=wanted.painting.with_name("stripes.png"), replace=True), quiet, no_scene)
    assert path.read_bytes() != before
    assert StyleBank.load(wanted.bank).card.styles[-1].painting == "stripes.png"


BAD = {
    "no name": ({"name": "My Style"}, UsageError, "lower-case letters"),
    "a path": ({"name": "../up"}, UsageError, "lower-case letters"),
    "the identity": ({"name": "original"}, UsageError, "--name original"),
    "taken": ({"name": "red"}, UsageError, "is a style of the bank itself"),
    "taken, replaced": ({"name": "red", "replace": True}, UsageError, "is a style of the bank itself"),
    "no steps": ({"steps": 0}, UsageError, "--steps 0"),
    "no strokes": ({"short_side": 3}, UsageError, "--short-side 3"),
    "no painting": ({"painting": Path("missing.jpg")}, InputError, "there is no painting missing.jpg"),
    "not a picture": ({"painting": Path(__file__)}, InputError, "cannot read the picture"),
    "no photographs": ({"photos": Path("missing")}, InputError, "--photos missing: there is no such folder"),
    "no network": ({"perceptual": Path("missing.safetensors")}, InputError, "safetensors, with --perceptual"),
    "not a network": ({"perceptual": Path(__file__)}, InputError, "cannot read the perceptual network"),
    "another suffix": ({"output": Path("x.png")}, UsageError, "must end in .safetensors"),
    "below a file": ({"output": Path(__file__) / "x.safetensors"}, UsageError, "cannot write to"),
}


@pytest.mark.parametrize(("change", "kind", "says"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_said_in_one_line_and_leaves_nothing(
    wanted: NewStyle, miniature: Miniature, change: dict[str, object], kind: type[Exception], says: str
) -> None:
    before = everything(miniature.folder)
    with pytest.raises(kind, match=says) as error:
        add_style(replace(wanted, **change), quiet, no_scene)
    assert "\n" not in str(error.value)
    assert everything(miniature.folder) == before


def test_a_file_of_several_styles_is_never_replaced(wanted: NewStyle) -> None:
    path = add_style(wanted, quiet, no_scene).path
    both = AddedStyles.load(path)
    cards = [both.cards[0], both.cards[0].model_copy(update={"name": "yours"})]
    path.write_bytes(replace(both, cards=cards, styles_SD=both.styles_SD.repeat(2, axis=0)).to_bytes({}))
    with pytest.raises(UsageError, match="it holds yours too"):
        add_style(replace(wanted, replace=True), quiet, no_scene)
    path.rename(path.with_name("two.safetensors"))
    with pytest.raises(UsageError, match="'mine' stands in another file"):
        add_style(replace(wanted, replace=True), quiet, no_scene)


def test_a_bank_is_never_replaced(wanted: NewStyle) -> None:
    assert wanted.bank is not None
    before = wanted.bank.read_bytes()
    with pytest.raises(UsageError, match="is not replaced"):
        add_style(replace(wanted, output=wanted.bank, replace=True), quiet, no_scene)
    assert wanted.bank.read_bytes() == before


@pytest.mark.parametrize("size", [(40, 900), (20, 20)])
def test_a_painting_of_an_impossible_shape(wanted: NewStyle, miniature: Miniature, size: tuple[int, int]) -> None:
    path = miniature.folder / "strip.png"
    Image.new("RGB", size).save(path)
    with pytest.raises(InputError, match=f"has {size[0]}x{size[1]} pixels"):
        add_style(replace(wanted, painting=path), quiet, no_scene)


@pytest.mark.parametrize("error", [KeyboardInterrupt, EngineError])
def test_nothing_is_left_of_a_training_that_ends_early(
    wanted: NewStyle, miniature: Miniature, error: type[BaseException]
) -> None:
    before = everything(miniature.folder)

    def stop(done: int, of: int) -> None:
        raise error

    with pytest.raises(error):
        add_style(wanted, stop, no_scene)
    assert everything(miniature.folder) == before


def test_nothing_is_left_when_the_file_cannot_be_written(
    wanted: NewStyle, miniature: Miniature, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(miniature.folder)

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer.adding.AddedStyles, "to_bytes", full)
    with pytest.raises(UsageError, match="No space left"):
        add_style(wanted, quiet, no_scene)
    assert everything(miniature.folder) == before


def trained(wanted: NewStyle, miniature: Miniature, steps: int) -> tuple[TrainedBank, VectorTraining]:
    recipe = miniature.recipe(steps=str(steps), batch="2")
    recipe = recipe.model_copy(update={"styles": recipe.styles[1:]})
    bank = TrainedBank(StyleBank.load(wanted.bank))
    photos = Photos.find(miniature.root / "photos")
    return bank, VectorTraining(bank, recipe, photos, Objective(recipe, miniature.root))


def test_training_moves_the_vector_alone_and_lowers_the_loss(wanted: NewStyle, miniature: Miniature) -> None:
    bank, training = trained(wanted, miniature, 20)
    weights = {name: tensor.clone() for name, tensor in bank.network.state_dict().items()}
    start = training.start(bank.styles_SD.detach())

    def loss(vector: torch.Tensor) -> float:
        with torch.no_grad():
            return training._terms(0, training._batch(0), vector)["total"].item()

    before = loss(start)
    training.run()
    assert bank.styles_SD.shape == start.shape
    assert loss(bank.styles_SD.detach()) < 0.97 * before
    assert all(torch.equal(tensor, weights[name]) for name, tensor in bank.network.state_dict().items())


def shares_of_start(wanted: NewStyle, miniature: Miniature) -> torch.Tensor:
    """How much of each vector there is in the start."""
    bank, training = trained(wanted, miniature, 1)
    vectors = bank.styles_SD.detach()
    start = training.start(vectors)[0]
    shares = torch.linalg.lstsq(vectors.T, start).solution
    assert torch.allclose(vectors.T @ shares, start, atol=1e-4)
    return shares


def test_training_starts_at_a_mean_of_the_vectors(wanted: NewStyle, miniature: Miniature) -> None:
    shares = shares_of_start(wanted, miniature)
    assert (shares > 0).all() and 0.35 - 1e-4 <= shares.sum().item() <= 1 + 1e-4


def test_a_dark_painting_starts_from_darker_pictures(wanted: NewStyle, miniature: Miniature) -> None:
    path = miniature.root / "paintings" / "dots.png"
    pixels = np.asarray(Image.open(path))
    light = shares_of_start(wanted, miniature)
    Image.fromarray((pixels * 0.1).astype(np.uint8)).save(path)
    dark = shares_of_start(wanted, miniature)
    assert dark.sum() < light.sum() - 0.1


def test_a_loss_that_is_not_a_number_ends_it(wanted: NewStyle, miniature: Miniature) -> None:
    bank, training = trained(wanted, miniature, 2)
    with torch.no_grad():
        bank.styles_SD[0, 1] = torch.nan
    with pytest.raises(EngineError, match="not a number at step 0"):
        training.run()


def test_the_command_line(tmp_path: Path, command_line: CommandLine) -> None:
    command = ["styles", "add", "missing.jpg", "--name", "mine"]
    done = command_line(*command, cwd=tmp_path, ARTEM_VR_STYLES=str(tmp_path / "styles"))
    assert done.returncode == 2
    assert done.stderr.strip() == "artem-vr: there is no painting missing.jpg: name a picture file"
