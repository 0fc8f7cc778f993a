"""Judging a finished bank: the figures are those of the objective, and the table and the sheet show them."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import random_bank
from command_line import CommandLine
from miniature import Miniature
from PIL import Image

from artem_vr.added_styles import AddedStyles
from artem_vr.errors import InputError, UsageError
from artem_vr.styles import StyleBank, StyleCard
from trainer.data.crops import Photos, validation_batch
from trainer.evaluation import Question, evaluate, mean, render
from trainer.objective import Objective
from trainer.trained import TrainedBank


@pytest.fixture
def bank(miniature: Miniature) -> StyleBank:
    return random_bank(miniature.folder, miniature.recipe())


@pytest.fixture
def question(miniature: Miniature, bank: StyleBank) -> Question:
    return Question(bank.path, recipe=miniature.recipe_path, device="cpu")


def test_the_figures_are_those_of_the_objective(miniature: Miniature, bank: StyleBank, question: Question) -> None:
    recipe = miniature.recipe()
    photos = Photos.find(miniature.root / "photos")
    assert len(photos.validation) == 2
    objective, trained = Objective(recipe, miniature.root), TrainedBank(bank)
    found = evaluate(question)
    assert found.photographs == 2 and list(found.styles) == ["stripes", "dots"] and not found.skipped
    batch = validation_batch(photos, recipe.data.crop, 0, 2)
    for index, terms in enumerate(found.styles.values()):
        indices = torch.full((2,), index)
        with torch.no_grad():
            expected = objective(batch, trained(batch, indices).clamp(0, 1), indices)
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value.item(), rel=1e-4, abs=1e-6), name
        assert terms["content"] == pytest.approx(expected["content/relu2_1"].item(), rel=1e-4)


def test_the_style_that_is_nearer_to_its_painting_has_the_lower_loss(miniature: Miniature, question: Question) -> None:
    """Were paintings and vectors mixed up, exchanging the paintings would change nothing."""
    straight = evaluate(question).styles
    stripes, dots = (miniature.root / "paintings" / f"{name}.png" for name in ("stripes", "dots"))
    pixels = stripes.read_bytes(), dots.read_bytes()
    stripes.write_bytes(pixels[1])
    dots.write_bytes(pixels[0])
    crossed = evaluate(question).styles
    for name in straight:
        assert straight[name]["content"] == pytest.approx(crossed[name]["content"])
        assert straight[name]["style"] != pytest.approx(crossed[name]["style"], rel=1e-3)


def test_content_is_the_weighted_mean_of_its_taps(miniature: Miniature, question: Question) -> None:
    text = miniature.recipe_path.read_text().replace("{ relu2_1 = 1.0 }", "{ relu1_1 = 1.0, relu2_1 = 3.0 }", 1)
    miniature.recipe_path.write_text(text)
    for terms in evaluate(question).styles.values():
        expected = (terms["content/relu1_1"] + 3 * terms["content/relu2_1"]) / 4
        assert terms["content"] == pytest.approx(expected)


def test_the_reference_is_measured_alike(miniature: Miniature, bank: StyleBank, question: Question) -> None:
    same = evaluate(replace(question, reference=bank.path))
    assert same.reference == same.styles
    recipe = miniature.recipe()
    fewer = recipe.model_copy(update={"styles": recipe.styles[1:], "name": "other"})
    other = random_bank(miniature.folder, fewer, seed=3)
    seen: list[tuple[int, int]] = []
    found = evaluate(replace(question, reference=other.path), lambda *at: seen.append(at))
    assert list(found.reference) == ["dots"] and found.reference["dots"] != found.styles["dots"]
    assert seen == [(2, 6), (4, 6), (6, 6)]
    table = found.to_json()["reference"]
    assert isinstance(table, dict) and table["model"] == str(other.path)
    ratio = found.styles["dots"]["style"] / found.reference["dots"]["style"]
    assert table["ratios"]["dots"]["style"] == pytest.approx(ratio)
    lines = render(found).splitlines()
    row = next(line for line in lines if line.startswith("dots"))
    assert row.split()[1:4] == [
        f"{found.styles['dots']['style']:.4f}", f"{found.reference['dots']['style']:.4f}", f"{ratio:.3f}",
    ]  # fmt: skip
    assert lines[3].split()[0] == "mean" and lines[3].split()[1:] == row.split()[1:]
    assert lines[1].split()[0] == "stripes" and lines[1].split()[2] == "-"


def test_the_table(question: Question) -> None:
    found = evaluate(question)
    lines = render(found).splitlines()
    assert lines[0].split() == ["style", "content", "total"]
    assert [line.split()[0] for line in lines[1:4]] == ["stripes", "dots", "mean"]
    style = math.fsum(terms["style"] for terms in found.styles.values()) / 2
    assert lines[3].split()[1] == f"{style:.4f}" and mean([*found.styles.values()])["style"] == pytest.approx(style)
    assert json.loads(json.dumps(found.to_json()))["mean"]["style"] == pytest.approx(style)


def test_fewer_photographs(question: Question) -> None:
    one = evaluate(replace(question, count=1))
    assert one.photographs == 1 and one.styles != evaluate(question).styles
    assert evaluate(replace(question, count=99)).photographs == 2


@pytest.mark.usefixtures("shown_in_full")
def test_the_contact_sheet(miniature: Miniature, bank: StyleBank, question: Question) -> None:
    path = miniature.folder / "sheet.png"
    evaluate(replace(question, sheet=path))
    sheet = np.asarray(Image.open(path))
    assert sheet.shape == (3 * 256, 3 * 256, 3)
    assert all(sheet[256 * row : 256 * row + 256, 256:].std() > 2 for row in range(3))


def test_an_added_style_is_measured_where_its_painting_is_known(
    miniature: Miniature, bank: StyleBank, question: Question
) -> None:
    cards = [
        StyleCard(name="mine", title="Mine", artist="A", year="", painting="dots.png", short_side=64),
        StyleCard(name="lost", title="Lost", artist="A", year="", painting="lost.png", short_side=64),
        StyleCard(name="mute", title="Mute", artist="A", year=""),
    ]
    vectors = np.repeat(bank.styles_SD[1:2], 3, axis=0)
    bank.added_folder.mkdir()
    (bank.added_folder / "a.safetensors").write_bytes(AddedStyles(cards, vectors, bank.fingerprint).to_bytes({}))
    found = evaluate(question)
    assert list(found.styles) == ["stripes", "dots", "mine"] and found.skipped == ["lost", "mute"]
    assert found.styles["mine"] == found.styles["dots"]
    assert "lost, mute" in render(found)


def test_what_cannot_be_is_said_in_one_line(miniature: Miniature, question: Question) -> None:
    strangers = random_bank(miniature.folder)
    for change, kind, says in (
        ({"data": Path("nowhere")}, InputError, "with --data"),
        ({"recipe": Path("nowhere.toml")}, UsageError, "there is no recipe nowhere.toml"),
        ({"model": strangers.path}, UsageError, "no painting of its styles is known"),
        ({"reference": strangers.path}, UsageError, "no style in common"),
        ({"count": 0}, UsageError, "at least one"),
        ({"sheet": Path("sheet.jpg")}, UsageError, "is a .png file"),
    ):
        with pytest.raises(kind, match=says) as error:
            evaluate(replace(question, **change))
        assert "\n" not in str(error.value)


def test_the_command_line(miniature: Miniature, question: Question, command_line: CommandLine) -> None:
    arguments = [question.model, "--recipe", miniature.recipe_path, "--device", "cpu", "--json"]
    done = command_line("evaluate", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["photographs"] == 2 and found["styles"]["dots"]["style"] > 0
