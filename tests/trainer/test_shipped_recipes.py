"""Every recipe that ships, from its own file to a finished network in two steps, on data and networks for tests."""

from pathlib import Path

import pytest
import torch
from miniature import Miniature
from safetensors.torch import save_file

import trainer.recipes
from artem_vr.styles import StyleBank
from trainer.command import train
from trainer.perceptual import PerceptualNetwork
from trainer.recipe_file import load_recipe

RECIPES = sorted(Path(str(trainer.recipes.__path__[0])).glob("*.toml"))
WIDTHS = (4, 8, 16, 32, 32)
DEPTHS = (2, 2, 4, 4, 1)
SMALL = {"network.channels": "4", "network.deep_channels": "8", "network.tail_channels": "4", "network.blocks": "1"}


@pytest.fixture
def root(miniature: Miniature) -> Path:
    """The miniature's data with a perceptual network that has all of VGG-19's layers to conv5_1."""
    generator, inputs = torch.Generator().manual_seed(1), 3
    weights = {"conv0.weight": torch.eye(3)[..., None, None], "conv0.bias": torch.full((3,), -0.5)}
    for scale, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True), 1):
        for layer in range(1, depth + 1):
            spread = (2 / (9 * inputs)) ** 0.5
            weights[f"conv{scale}_{layer}.weight"] = spread * torch.randn(width, inputs, 3, 3, generator=generator)
            weights[f"conv{scale}_{layer}.bias"] = torch.zeros(width)
            inputs = width
    save_file(weights, miniature.root / "vgg.safetensors")
    return miniature.root


def overrides(path: Path, root: Path, folder: Path) -> dict[str, str]:
    """What makes a shipped recipe one for a test: the same task, losses, schedule and optimiser, on little."""
    recipe = load_recipe(path)
    changed = {
        "data.root": str(root), "data.crop": "32", "steps": "2", "batch": "2", "precision": "float32", "device": "cpu",
    }  # fmt: skip
    if recipe.task == "perceptual":
        return changed | {"teachers": '["vgg.safetensors"]', "widths": "[4, 4, 4, 4, 4]"}
    style = (
        '[{name = "dots", painting = "dots.png", title = "Dots", artist = "A Test", year = "2024", short_side = 64}]'
    )
    changed |= {"styles": style, "data.perceptual": "vgg.safetensors", "data.share": "1.0"}
    if recipe.task == "adain":
        return changed | {"encoder": "vgg.safetensors", "painting_side": "[40, 60]"}
    start = folder / "runs" / "start" / "start.safetensors"
    if recipe.start or recipe.teacher or recipe.task == "quantize":
        kind = "johnson" if path.stem == "pruned_johnson" else "compact"
        first = {"name": "start", "steps": "1", "network.kind": kind, "network.deep_channels": "16"}
        first["network.channels"] = "8" if kind == "johnson" else "4"  # a half of it can be trained on
        train(folder / "recipe.toml", {"styles": style, **first}, start.parent, resume=False)
    if recipe.start or recipe.task == "quantize":
        changed |= {"start": str(start)}
    if recipe.teacher:
        changed |= {"teacher": str(start)}
    if path.stem == "calm":
        changed |= {"calm.places": "1"}
    if path.stem in {"bank_finish", "calm"}:
        return changed | {**SMALL, "network.deep_channels": "16"}
    return changed if recipe.start else changed | SMALL


SHOWN = {"bank", "perceptual", "adain"}
"""Of these the losses are plotted, and grids drawn at their true size: one recipe for each kind of losses."""


def test_the_recipes_that_are_shown_in_full_are_there() -> None:
    assert {path.stem for path in RECIPES} >= SHOWN


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_it_runs(path: Path, root: Path, miniature: Miniature, request: pytest.FixtureRequest) -> None:
    if path.stem in SHOWN:
        request.getfixturevalue("shown_in_full")
    if path.stem == "int8":
        pytest.importorskip("nncf", reason="nncf, which calibrates, is not installed")
    folder = miniature.folder / "runs" / path.stem
    extra = {"photographs": "4"} if path.stem == "int8" else {}
    if path.stem == "johnson2016":
        extra = {"network.margin": "12"}  # 40 px of reflection need larger pictures than these
    written = train(path, {**overrides(path, root, miniature.folder), **extra}, folder, resume=False)
    assert written == folder / f"{path.stem}.safetensors"
    if load_recipe(path).task == "perceptual":
        assert PerceptualNetwork.load(written).taps[-1] == "relu5_1"
    else:
        assert StyleBank.load(written).names == ["dots"]
        assert (folder.parent / "networks.csv").is_file()
