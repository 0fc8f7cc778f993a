"""Distilling a perceptual network: it learns, goes on after a stop, and losses can be made with its file."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from miniature import Miniature, assert_goes_on
from safetensors import safe_open

from artem_vr.errors import InputError, UsageError
from trainer.command import train
from trainer.loop import Run
from trainer.objective import Objective
from trainer.perceptual import PerceptualNetwork
from trainer.recipe_file import load_recipe

RECIPE = """
task = "perceptual"
name = "distilled"
steps = 40
batch = 4
warmup = 2
learning_rate = 1e-2
precision = "float32"
device = "cpu"
teachers = ["perceptual.safetensors"]
widths = [4, 4, 6, 4, 4]
depths = [1, 2, 1, 1, 1]
taps = { relu1_1 = 1.0, relu2_1 = 1.0, relu3_1 = 1.0 }
[data]
root = "data"
photos = "photos"
paintings = "paintings"
terms = "made by the tests"
crop = 32
"""


@pytest.fixture
def path(miniature: Miniature) -> Path:
    path = miniature.folder / "perceptual.toml"
    path.write_text(RECIPE)
    return path


def run_of(path: Path, name: str, **overrides: str) -> Run:
    return Run(load_recipe(path, overrides), path.parent / "data", path.parent / name)


def test_it_comes_nearer_to_its_teacher(path: Path) -> None:
    run = run_of(path, "run")
    before = run.task.glance()
    run.train(lambda progress: None)
    after = run.task.glance()
    assert after["total"] < 0.5 * before["total"]
    assert {"error/relu1_1", "structure/relu2_1", "style/relu3_1"} < after.keys()


def test_its_file_measures_losses(path: Path, miniature: Miniature) -> None:
    written = train(path, {"steps": "3"}, miniature.folder / "runs" / "one", resume=False)
    network = PerceptualNetwork.load(written)
    assert network.taps == ["relu1_1", "relu2_1", "relu3_1"]  # nothing lies behind the last tap
    teacher = PerceptualNetwork.load(miniature.root / "perceptual.safetensors")
    batch = torch.rand(1, 3, 32, 32)
    taps = ["relu1_1", "relu2_1", "relu3_1"]
    for tap, feature in network(batch, taps).items():
        assert feature.shape == teacher(batch, taps)[tap].shape
    with safe_open(written, "pt") as file:
        card = json.loads(file.metadata()["card"])
        assert file.get_tensor("conv1_1.weight").dtype == torch.float16
    assert (card["steps"], card["data"]) == (3, "made by the tests")
    assert -1 <= card["validation"]["rank"] <= 1
    recipe = miniature.recipe(**{"data.perceptual": str(written)})
    assert Objective(recipe, miniature.root)(batch, batch, torch.tensor([0]))["style"] > 0
    assert not (miniature.folder / "runs" / "networks.csv").exists()  # it paints nothing


def test_it_goes_on_as_if_it_had_not_stopped(path: Path) -> None:
    assert_goes_on(lambda name: run_of(path, name, steps="4"), 1)


def test_processes_share_what_a_single_one_sees(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = run_of(path, "run").task
    monkeypatch.setattr(task, "_errors", lambda forward, pictures, phase: pictures)
    photos = torch.rand(4, 3, 32, 32)
    for step in range(6):
        whole = task.terms(task.module, photos, step, slice(0, None, 1))
        for rank in range(2):
            share = slice(rank, None, 2)
            assert torch.equal(task.terms(task.module, photos[share], step, share), whole[share])
        assert not torch.equal(whole, photos)


def test_each_tap_is_learned_from_the_first_teacher_that_has_it(path: Path, miniature: Miniature) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(miniature.root / "perceptual.safetensors")
    short = {name: 2 * tensor for name, tensor in weights.items() if name.startswith(("conv0", "conv1"))}
    save_file(short, miniature.root / "short.safetensors")
    run = run_of(path, "run", teachers='["short.safetensors", "perceptual.safetensors"]')
    batch = torch.rand(1, 3, 32, 32)
    found = run.task._judges(batch)  # type: ignore[attr-defined]
    first = PerceptualNetwork.load(miniature.root / "short.safetensors")(batch, ["relu1_1"])
    second = PerceptualNetwork.load(miniature.root / "perceptual.safetensors")(batch, ["relu1_1", "relu3_1"])
    torch.testing.assert_close(found["relu1_1"], first["relu1_1"])
    assert not torch.allclose(found["relu1_1"], second["relu1_1"])
    torch.testing.assert_close(found["relu3_1"], second["relu3_1"])


def test_a_tap_that_no_teacher_has(path: Path) -> None:
    with pytest.raises(InputError, match="has no relu4_1"):
        run_of(path, "run", taps="{relu4_1 = 1.0}")


def test_a_checkpoint_of_another_task(path: Path, miniature: Miniature) -> None:
    run_of(path, "run", steps="1").train(lambda progress: None)
    with pytest.raises(InputError, match="is of a run whose task was perceptual, not bank: start without --resume"):
        miniature.run("run").resume()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("task", "percptual", "unknown task 'percptual': did you mean perceptual"),
        ("width", "[1, 2]", "unknown key 'width': did you mean widths"),
        ("widths", "[4, 4]", "widths"),
        ("losses.style", "1", "unknown key 'losses'"),
        ("teachers", "[]", "teachers: "),
    ],
)
def test_a_bad_recipe_is_one_line(path: Path, key: str, value: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        load_recipe(path, {key: value})
    assert "\n" not in str(error.value)


def test_what_it_shows(path: Path) -> None:
    drawn = run_of(path, "run").task.draw()
    assert drawn.shape == (4 * 256, 4 * 256, 3)  # two photographs, each above a blank, and three taps
    assert drawn.dtype == np.uint8
    assert drawn[:256, 256:].std() > 0
