"""A miniature of a training: tiny photographs, paintings, a perceptual network of random weights, a recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from banks import picture
from PIL import Image
from safetensors.torch import save_file

from trainer.loop import Progress, Run
from trainer.recipe import Recipe
from trainer.recipe_file import load_bank_recipe

RECIPE = """
name = "miniature"
steps = 6
batch = 3
warmup = 2
precision = "float32"
device = "cpu"
[network]
channels = 4
deep_channels = 6
blocks = 1
tail_channels = 4
[losses]
content = { relu2_1 = 1.0 }
style_taps = { relu1_1 = 1.0, relu2_1 = 1.0 }
grid = 10.0
[data]
root = "data"
photos = "photos"
paintings = "paintings"
perceptual = "perceptual.safetensors"
terms = "made by the tests"
crop = 32
smooth_share = 0.3
[[styles]]
name = "stripes"
painting = "stripes.png"
title = "Stripes"
artist = "A Test"
year = "2024"
short_side = 64
[[styles]]
name = "dots"
painting = "dots.png"
title = "Dots"
artist = "A Test"
year = "2024"
short_side = 64
"""


class StoppedError(Exception):
    """Ends a run from its own report, as a user's Ctrl-C would."""


@dataclass(frozen=True)
class Miniature:
    folder: Path
    recipe_path: Path

    @property
    def root(self) -> Path:
        return self.folder / "data"

    def recipe(self, **overrides: str) -> Recipe:
        return load_bank_recipe(self.recipe_path, overrides)

    def run(self, name: str, **overrides: str) -> Run:
        return Run(self.recipe(**overrides), self.root, self.folder / name)


def train_until(run: Run, step: int) -> None:
    """Trains up to a step and saves there, as the loop does when its minute is over."""

    def report(progress: Progress) -> None:
        if progress.step == step:
            raise StoppedError

    with pytest.raises(StoppedError):
        run.train(report)
    run.save()


def assert_goes_on(make: Callable[[str], Run], stop: int) -> None:
    """A run that is killed after a step and resumed ends with the very parameters of one that was not."""
    whole = make("whole")
    whole.train(lambda progress: None)
    train_until(make("parts"), stop)
    resumed = make("parts")
    resumed.resume()
    assert resumed.step == stop
    resumed.train(lambda progress: None)
    for a, b in zip(whole.task.module.parameters(), resumed.task.module.parameters(), strict=True):
        assert torch.equal(a, b)


def perceptual_weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)

    def convolution(name: str, inputs: int, outputs: int, size: int) -> dict[str, torch.Tensor]:
        scale = (2 / (inputs * size * size)) ** 0.5
        return {
            f"{name}.weight": scale * torch.randn(outputs, inputs, size, size, generator=generator),
            f"{name}.bias": 0.1 * torch.randn(outputs, generator=generator),
        }

    layers = [("conv1_1", 3, 6), ("conv1_2", 6, 6), ("conv2_1", 6, 8), ("conv2_2", 8, 8), ("conv3_1", 8, 8)]
    weights = convolution("conv0", 3, 3, 1) | convolution("conv2_1_head", 8, 12, 1)
    for name, inputs, outputs in layers:
        weights |= convolution(name, inputs, outputs, 3)
    return weights


def make_miniature(folder: Path) -> Miniature:
    root = folder / "data"
    (root / "photos").mkdir(parents=True)
    (root / "paintings").mkdir()
    for number in range(23):
        Image.fromarray(picture(40 + number % 3, 52, number)).save(root / "photos" / f"{number:03d}.png")
    y, x = np.mgrid[0:80, 0:96]
    for name, mask in (("stripes", (x + y) % 12 < 6), ("dots", (x % 16 - 8) ** 2 + (y % 16 - 8) ** 2 < 25)):
        rgb = np.where(mask[..., None], (230, 190, 40), (30, 50, 120)).astype(np.uint8)
        Image.fromarray(rgb).save(root / "paintings" / f"{name}.png")
    save_file(perceptual_weights(), root / "perceptual.safetensors")
    (folder / "recipe.toml").write_text(RECIPE)
    return Miniature(folder, folder / "recipe.toml")
