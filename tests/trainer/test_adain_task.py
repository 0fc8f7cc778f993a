"""Training an AdaIN network, on encoders small enough for a test."""

from pathlib import Path

import pytest
import torch
from miniature import Miniature, assert_goes_on
from safetensors.torch import save_file

from artem_vr.errors import InputError
from artem_vr.styles import StyleBank
from trainer.command import train
from trainer.data.crops import read_painting
from trainer.loop import Run
from trainer.recipe_file import load_recipe
from trainer.trained import TrainedBank

RECIPE = """
task = "adain"
name = "any"
steps = 40
batch = 4
warmup = 2
learning_rate = 1e-2
precision = "float32"
device = "cpu"
encoder = "encoder.safetensors"
painting_side = [40, 60]
[data]
root = "data"
perceptual = "encoder.safetensors"
terms = "made by the tests"
crop = 32
[[styles]]
name = "stripes"
painting = "stripes.png"
title = "Stripes"
artist = "A Test"
year = "2024"
short_side = 64
"""
WIDTHS = {1: 4, 2: 8, 3: 16, 4: 32}


def encoder_weights(widths: dict[int, int] = WIDTHS, third: int = 2) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    weights, inputs = {"conv0.weight": torch.eye(3)[..., None, None], "conv0.bias": torch.full((3,), -0.5)}, 3
    for scale, depth in ((1, 2), (2, 2), (3, third), (4, 2)):
        for layer in range(1, depth + 1):
            shape = (widths[scale], inputs, 3, 3)
            weights[f"conv{scale}_{layer}.weight"] = torch.randn(shape, generator=generator) * (2 / (9 * inputs)) ** 0.5
            weights[f"conv{scale}_{layer}.bias"] = torch.zeros(widths[scale])
            inputs = widths[scale]
    return weights


@pytest.fixture
def path(miniature: Miniature) -> Path:
    save_file(encoder_weights(), miniature.root / "encoder.safetensors")
    path = miniature.folder / "adain.toml"
    path.write_text(RECIPE)
    return path


def run_of(path: Path, name: str, **overrides: str) -> Run:
    return Run(load_recipe(path, overrides), path.parent / "data", path.parent / name)


def test_the_decoder_learns_and_the_encoder_stays(path: Path) -> None:
    run = run_of(path, "run")
    network = run.task.module.network  # type: ignore[union-attr]
    encoder = {name: tensor.clone() for name, tensor in network.encoder.state_dict().items()}
    before = run.task.glance()
    run.train(lambda progress: None)
    after = run.task.glance()
    assert after["total"] < 0.7 * before["total"]
    assert all(torch.equal(tensor, encoder[name]) for name, tensor in network.encoder.state_dict().items())


def test_the_losses_are_those_of_the_paper(path: Path) -> None:
    """Huang and Belongie 2017, eq. 11 to 13, for one photograph and one painting."""
    task = run_of(path, "run").task
    photo, painting = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    network, perceptual = task.module.network, task._perceptual  # type: ignore[union-attr, attr-defined]
    with torch.no_grad():
        terms = task._losses(task.module, photo, painting)  # type: ignore[attr-defined]
        f, s = network.encode(photo), network.encode(painting)
        deviation, mean = s.std((2, 3), correction=0, keepdim=True), s.mean((2, 3), keepdim=True)
        spread = f.var((2, 3), correction=0, keepdim=True) + 1e-5  # some channels are silent in so small a picture
        t = deviation * (f - f.mean((2, 3), keepdim=True)) / spread.sqrt() + mean
        painted = network.decode(t)
        content = (network.encode(painted) - t).square().mean()
        style = 0.0
        for tap in ("relu1_1", "relu2_1", "relu3_1", "relu4_1"):
            a, b = perceptual(painted, [tap])[tap], perceptual(painting, [tap])[tap]
            style += (a.mean((2, 3)) - b.mean((2, 3))).square().mean()
            style += (a.std((2, 3), correction=0) - b.std((2, 3), correction=0)).square().mean()
    torch.testing.assert_close(terms["content"], content, rtol=1e-2, atol=1e-5)
    torch.testing.assert_close(terms["style"], torch.as_tensor(style), rtol=1e-2, atol=1e-5)
    torch.testing.assert_close(terms["total"], terms["content"] + 10 * terms["style"])


def test_it_becomes_a_bank_that_knows_the_recipes_paintings(path: Path, miniature: Miniature) -> None:
    written = train(path, {"steps": "2"}, miniature.folder / "runs" / "any", resume=False)
    bank = StyleBank.load(written)
    assert bank.card.network == {"kind": "adain", "width": 4, "third": 2}
    assert bank.names == ["stripes"]
    trained = TrainedBank(bank)
    painting = read_painting(miniature.root / "paintings" / "stripes.png", 64)
    with torch.no_grad():
        vector = trained.network.style_of(painting)  # type: ignore[operator]
    torch.testing.assert_close(trained.styles_SD.detach(), vector, rtol=1e-2, atol=1e-2)  # weights in half precision
    assert (miniature.folder / "runs" / "networks.csv").read_text().count("\n") == 2


def test_it_goes_on_as_if_it_had_not_stopped(path: Path) -> None:
    assert_goes_on(lambda name: run_of(path, name, steps="4"), 1)


def test_an_encoder_of_another_shape(path: Path, miniature: Miniature) -> None:
    save_file(encoder_weights({1: 4, 2: 8, 3: 8, 4: 32}), miniature.root / "encoder.safetensors")
    with pytest.raises(InputError, match=r"encoder: its scales are \[4, 8, 8, 32\] channels wide.*take small or vgg19"):
        run_of(path, "run")


def test_a_crop_that_cannot_be_halved_three_times(path: Path) -> None:
    with pytest.raises(InputError, match=r"data.crop = 36: .*multiple of 8"):
        run_of(path, "run", **{"data.crop": "36"})
